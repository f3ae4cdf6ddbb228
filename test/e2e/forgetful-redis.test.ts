import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePlace, type Place, steps } from '../support/pool.js';
import {
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { spoolOfRun } from '../support/spools.js';

/**
 * A Redis that syncs its append-only file once a second forgets the last of what it has confirmed when its machine
 * fails. Each test marks a moment, lets something happen, and takes Redis back to that moment.
 */
let redis: TestRedis;
let place: Place;
let mcp: McpSession;
const workers: Started[] = [];

beforeEach(async () => {
  redis = await startRedis();
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here' }, redis.url);
  mcp = await openMcp(place);
});
afterEach(async () => {
  await mcp.close();
  await Promise.all(workers.splice(0).map((worker) => worker.end('SIGKILL')));
  await redis.stop();
  place.clean();
});

type Status = Facts & { runId: string; status: string; pid: number };
const file = (name: string) => join(place.work, name);
const open = (gate: string) => writeFileSync(file(gate), '');
const status = (runId: string) => mcp.call<Status>('get_agent_status', { runId });
const output = async (runId: string) => (await mcp.call<{ output: string }>('stream_agent_output', { runId })).output;
const startWorker = async () => void workers.push(await startWorkerProcess(place));
const submit = async (...list: Facts[]) =>
  (await mcp.call<Status>('run_agent', { runner: 'scripted', prompt: steps(...list) })).runId;
/** Asks while Redis goes away and comes back. */
const whenBack = <Answer>(look: () => Promise<Answer>, holds: (answer: Answer) => boolean) =>
  eventually(
    () => look().catch(() => undefined),
    (answer) => answer !== undefined && holds(answer as Answer),
    30_000,
  );

async function backTo(moment: number): Promise<void> {
  redis.kill();
  await redis.forgetAfter(moment);
  await redis.restart();
}

describe('a Redis that crashed and has forgotten', () => {
  it('that a run was claimed: its program is attached to, not started again', async () => {
    const runId = await submit({ mark: file('starts') }, { print: 'a\n' }, { until: file('go') }, { print: 'b\n' });
    const moment = redis.written();
    await startWorker();
    const { pid } = await eventually(
      () => status(runId),
      ({ outputBytes }) => outputBytes === 2,
    );
    await backTo(moment);
    await whenBack(
      () => status(runId),
      (seen) => seen.status === 'running' && seen.pid === pid && seen.outputBytes === 2,
    );
    open('go');
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done', exitCode: 0 });
    expect(await output(runId)).toBe('a\nb\n');
    expect(readFileSync(file('starts'), 'utf8')).toBe(`${pid}\n`);
  });

  it('some output: it is sent again, also when the program says nothing more', async () => {
    await startWorker();
    const runId = await submit({ print: 'a\n' }, { until: file('go') }, { print: 'b\n' }, { until: file('end') });
    await eventually(
      () => output(runId),
      (text) => text === 'a\n',
    );
    const moment = redis.written();
    open('go');
    await eventually(
      () => output(runId),
      (text) => text === 'a\nb\n',
    );
    await backTo(moment);
    await whenBack(
      () => output(runId),
      (text) => text === 'a\nb\n',
    );
    expect((await status(runId)).status).toBe('running');
    open('end');
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done' });
    expect(await output(runId)).toBe('a\nb\n');
  });

  it('how a run ended: it is read from the spool again', async () => {
    await startWorker();
    const runId = await submit({ print: 'a\n' }, { until: file('go') }, { print: 'b\n' }, { exit: 4 });
    await eventually(
      () => output(runId),
      (text) => text === 'a\n',
    );
    const moment = redis.written();
    open('go');
    await mcp.call('wait_agent', { runId });
    await backTo(moment);
    await whenBack(
      () => status(runId),
      (seen) => seen.status === 'failed',
    );
    expect(await status(runId)).toMatchObject({ exitCode: 4, failure: { kind: 'exit' } });
    expect(await output(runId)).toBe('a\nb\n');
  });

  it('how a run ended, after its spool had gone: it is lost, and does not seem to run for ever', async () => {
    await startWorker();
    const runId = await submit({ print: 'a\n' }, { until: file('go') });
    await eventually(
      () => output(runId),
      (text) => text === 'a\n',
    );
    const moment = redis.written();
    open('go');
    await mcp.call('wait_agent', { runId });
    await eventually(() => spoolOfRun(place, runId) === undefined);
    await backTo(moment);
    await whenBack(
      () => status(runId),
      (seen) => seen.status === 'failed',
    );
    expect(await status(runId)).toMatchObject({
      failure: { kind: 'lost', message: 'its spool is gone from its host' },
    });
  });

  it('that a run was killed, and the request: it is killed all the same', async () => {
    await startWorker();
    const runId = await submit({ print: 'a\n' }, { pause: 600_000 });
    await eventually(
      () => output(runId),
      (text) => text === 'a\n',
    );
    const moment = redis.written();
    expect(await mcp.call<Facts>('kill_agent', { runId })).toMatchObject({ killed: true });
    await backTo(moment);
    await whenBack(
      () => status(runId),
      (seen) => seen.status === 'killed',
    );
  });
});
