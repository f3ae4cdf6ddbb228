import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localTime } from '../../src/cli/local-time.js';
import { bearerOf } from '../support/http-token.js';
import { makePlace, steps } from '../support/pool.js';
import {
  agentpool,
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startServeProcess,
  startWorkerProcess,
} from '../support/processes.js';

const place = makePlace({ AGENTPOOL_HOST_NAME: 'quiet' });
let worker: Started;
let mcp: McpSession;
let runId: string;
let since: string;

beforeAll(async () => {
  worker = await startWorkerProcess(place);
  mcp = await openMcp(place);
  const prompt = steps({ print: 'a\n' }, { until: 'go' }, { print: 'b\n' });
  ({ runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt }));
  await eventually(status, ({ outputBytes }) => outputBytes === 2);
  expect(await status()).not.toHaveProperty('workerSilentSince');
  await worker.end('SIGKILL');
  const seen = await eventually(status, ({ workerSilentSinceIso }) => workerSilentSinceIso !== undefined);
  since = String(seen.workerSilentSinceIso);
});
afterAll(async () => {
  writeFileSync(join(place.work, 'go'), '');
  await mcp.close();
  await worker.end('SIGKILL');
  place.clean();
});

const status = () => mcp.call<Facts>('get_agent_status', { runId });
const facts = () => ({ workerSilentSince: Date.parse(since), workerSilentSinceIso: since });

describe('while the only worker is silent, and nobody can mark its run', () => {
  it('every tool says since when', async () => {
    expect(await status()).toMatchObject({ status: 'running', ...facts() });
    const { runs } = await mcp.call<{ runs: Facts[] }>('list_runs', {});
    expect(runs[0]).toMatchObject(facts());
    expect(await mcp.call<Facts>('wait_agent', { runId, timeoutMs: 0 })).toMatchObject({ timedOut: true, ...facts() });
    expect(await mcp.call<Facts>('stream_agent_output', { runId })).toMatchObject({ output: 'a\n', ...facts() });
  });

  it.each([
    ['status', (id: string) => ['status', id]],
    ['runs', () => ['runs']],
    ['logs', (id: string) => ['logs', id]],
    ['wait', (id: string) => ['wait', id, '--timeout', '1000']],
  ])('agentpool %s does', async (_, args) => {
    const { stdout, stderr } = await agentpool(place, args(runId));
    const isForEyes = ['status', 'runs'].includes(args(runId)[0] ?? ''); // those have the local time
    expect(stdout + stderr).toContain(isForEyes ? `silent since ${localTime(Date.parse(since))}` : since);
  });

  it('the page of the run does', async () => {
    const serve = await startServeProcess(place);
    const page = await fetch(new URL(`/runs/${runId}`, serve.url), { headers: bearerOf(place) }).then((answer) =>
      answer.text(),
    );
    await serve.end();
    expect(page).toContain(`silent since ${since}`);
  });

  it('and not any more when the next worker has it', async () => {
    worker = await startWorkerProcess(place);
    const seen = await eventually(status, ({ workerSilentSince }) => workerSilentSince === undefined);
    expect(seen).toMatchObject({ status: 'running' });
  });
});

describe('a run that ends while no worker looks', () => {
  it('has ended when its program did, not when the next worker came', async () => {
    const alone = makePlace({ AGENTPOOL_HOST_NAME: 'alone' });
    const first = await startWorkerProcess(alone);
    const session = await openMcp(alone);
    const ended = join(alone.work, 'ended');
    const prompt = steps({ print: 'a\n' }, { until: 'go' }, { note: { file: ended, text: 'now' } });
    const { runId: id } = await session.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt });
    const seen = () => session.call<Facts>('get_agent_status', { runId: id });
    await eventually(seen, ({ outputBytes }) => outputBytes === 2);
    await first.end('SIGKILL');
    writeFileSync(join(alone.work, 'go'), '');
    await eventually(() => existsSync(ended));
    const { workerSilentSince } = await eventually(seen, (status) => status.workerSilentSince !== undefined);
    const before = Date.now();
    const next = await startWorkerProcess(alone);
    const { endedAt, status } = await eventually(seen, (facts) => facts.endedAt !== undefined);
    await session.close();
    await next.end('SIGKILL');
    expect(status).toBe('done');
    // The test's clock is that of Redis; the next worker came after three silent heartbeats.
    expect(Number(endedAt)).toBeLessThan(before - 500);
    expect(Math.abs(Number(endedAt) - statSync(ended).mtimeMs)).toBeLessThan(1_000);
    expect(Number(workerSilentSince)).toBeLessThan(before - 500);
    alone.clean();
  });
});
