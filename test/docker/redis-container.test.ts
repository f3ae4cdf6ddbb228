import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { processesOf } from '../../src/worker/process/processes.js';
import { makePlace, type Place } from '../support/pool.js';
import { eventually, type McpSession, openMcp, type Started, startWorkerProcess } from '../support/processes.js';
import { REDIS_IMAGE } from './engine.js';

interface Page {
  readonly output: string;
  readonly nextCursor: string;
  readonly isComplete: boolean;
  readonly lastTimestamp: number;
}

const stepsOf = (output: string) => [...output.matchAll(/^step (\d+) of/gm)].map(([, step]) => Number(step));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe.skipIf(inject('withoutEngine') !== '')('A pool whose Redis is in a container', () => {
  let container: StartedTestContainer | undefined;
  let place: Place | undefined;
  let worker: Started | undefined;
  let mcp: McpSession;

  beforeAll(async () => {
    container = await new GenericContainer(REDIS_IMAGE)
      .withCommand(['redis-server', '--appendonly', 'yes', '--protected-mode', 'no'])
      .withExposedPorts(6379)
      .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
      .start();
    place = makePlace({}, `redis://${container.getHost()}:${container.getMappedPort(6379)}`);
    worker = await startWorkerProcess(place);
    mcp = await openMcp(place);
  });

  afterAll(async () => {
    await mcp?.close();
    await worker?.end();
    place?.clean();
    await container?.stop();
  });

  const submit = async (prompt: string) =>
    (await mcp.call<{ runId: string }>('run_agent', { runner: 'demo', prompt })).runId;

  /** Reads from a cursor, or the beginning, to the end of the run. */
  async function follow(runId: string, from: { cursor?: string; sinceTimestamp?: number } = {}): Promise<string> {
    let page = await mcp.call<Page>('stream_agent_output', { runId, waitMs: 20_000, ...from });
    let output = page.output;
    while (!page.isComplete) {
      page = await mcp.call<Page>('stream_agent_output', { runId, waitMs: 20_000, cursor: page.nextCursor });
      output += page.output;
    }
    return output;
  }

  test('pool_status names the worker, its runner and that this Redis keeps what it is told', async () => {
    const status = await mcp.call<{ workers: { alive: boolean; runners: { name: string }[] }[]; redis: unknown }>(
      'pool_status',
      {},
    );
    expect(status.workers).toHaveLength(1);
    expect(status.workers[0]).toMatchObject({ alive: true });
    expect(status.workers[0]?.runners.map(({ name }) => name)).toContain('demo');
    expect(status.redis).toMatchObject({ appendOnly: true, evictionPolicy: 'noeviction' });
  });

  test('following a run by cursor gives every line once, up to the end', async () => {
    const runId = await submit('say it all; lines 30 every 40');
    const output = await follow(runId);
    const status = await mcp.call('get_agent_status', { runId });
    expect(stepsOf(output)).toEqual(upTo(30));
    expect(status).toMatchObject({ status: 'done', exitCode: 0, outputBytes: Buffer.byteLength(output) });
  });

  test('sinceTimestamp gives exactly what came after that moment', async () => {
    const runId = await submit('go on; lines 60 every 50'); // for longer than one answer is gathered
    const first = await mcp.call<Page>('stream_agent_output', { runId, waitMs: 20_000 });
    await mcp.call('wait_agent', { runId });
    const rest = await follow(runId, { sinceTimestamp: first.lastTimestamp });
    const whole = await follow(runId);
    expect(rest).not.toBe('');
    expect(first.output + rest).toBe(whole);
    expect(stepsOf(whole)).toEqual(upTo(60));
  });

  test('a killed run ends with all of its processes', async () => {
    const runId = await submit('never stop; lines 10000 every 50');
    await eventually(
      () => processesOf(runId),
      (found) => found.length > 0,
    );
    expect(await mcp.call('kill_agent', { runId })).toMatchObject({ killed: true, status: 'killed' });
    expect(processesOf(runId)).toEqual([]);
  });
});
