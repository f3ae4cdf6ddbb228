import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
    expect(stdout + stderr).toContain(since);
  });

  it('the page of the run does', async () => {
    const serve = await startServeProcess(place);
    const page = await fetch(new URL(`/runs/${runId}`, serve.url)).then((answer) => answer.text());
    await serve.end();
    expect(page).toContain(`silent since ${since}`);
  });

  it('and not any more when the next worker has it', async () => {
    worker = await startWorkerProcess(place);
    const seen = await eventually(status, ({ workerSilentSince }) => workerSilentSince === undefined);
    expect(seen).toMatchObject({ status: 'running' });
  });
});
