import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installClaudeStandIn, installStandIn } from '../support/claude-stand-in.js';
import { makePlace, steps } from '../support/pool.js';
import {
  agentpool,
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  startWorkerProcess,
} from '../support/processes.js';

interface Waiting extends Facts {
  waitingFor?: { kind: string; message: string; hint: string; position?: number; until?: number; attempt?: number };
}

/** What each view says that a run waits for. */
async function everyView(mcp: McpSession, runId: string) {
  const views = await Promise.all([
    mcp.call<Waiting>('get_agent_status', { runId }),
    mcp.call<{ runs: Waiting[] }>('list_runs', {}).then(({ runs }) => runs.find((run) => run.runId === runId)),
    mcp.call<Waiting>('stream_agent_output', { runId }),
    mcp.call<Waiting>('wait_agent', { runId, timeoutMs: 0 }),
  ]);
  return views.map((view) => view?.waitingFor);
}

test('every view of a waiting run says what it waits for, in one shape', async () => {
  const place = makePlace({ AGENTPOOL_CONCURRENCY: '1' });
  const mcp = await openMcp(place);
  const submit = (args: Facts) => mcp.call<Waiting & { runId: string }>('run_agent', { prompt: 'x', ...args });
  const missing = await submit({ runner: 'missing' });
  expect(missing).toMatchObject({
    waitingFor: { kind: 'no_worker', hint: expect.stringContaining('agentpool worker') },
  });
  for (const waiting of await everyView(mcp, missing.runId)) expect(waiting).toEqual(missing.waitingFor);

  const worker = await startWorkerProcess(place);
  const install = {
    kind: 'no_worker',
    message: 'No living worker has missing',
    hint: expect.stringContaining('no such program'),
  };
  for (const waiting of await everyView(mcp, missing.runId)) expect(waiting).toEqual(install);
  expect((await agentpool(place, ['status', missing.runId])).stdout).toContain('No living worker has missing');

  const prompt = steps({ until: join(place.work, 'go') });
  await submit({ runner: 'scripted', prompt });
  const next = await submit({ runner: 'scripted' });
  const last = await submit({ runner: 'scripted' });
  const delayed = await submit({ runner: 'scripted', delayMs: 600_000 });
  const views = async (runId: string) => (await everyView(mcp, runId)).map((waiting) => waiting?.message);
  // A worker tells of its slots with each heartbeat.
  await eventually(
    () => views(next.runId),
    ([said]) => said === '1 of the 1 slots that can take it are in use',
  );
  for (const waiting of await everyView(mcp, next.runId)) expect(waiting).toMatchObject({ kind: 'slot', position: 1 });
  for (const waiting of await everyView(mcp, last.runId)) expect(waiting).toMatchObject({ kind: 'turn', position: 2 });
  for (const waiting of await everyView(mcp, delayed.runId)) {
    expect(waiting).toMatchObject({ kind: 'delay', until: expect.any(Number) });
    expect(Math.abs((waiting?.until ?? 0) - Date.now() - 600_000)).toBeLessThan(60_000);
  }
  writeFileSync(join(place.work, 'go'), '');
  const ended = await mcp.call<Waiting>('wait_agent', { runIds: [next.runId, last.runId] });
  expect(ended).not.toHaveProperty('waitingFor');
  await mcp.close();
  await worker.end();
  place.clean();
});

test('nobody waits long for what nobody can start, and is told what helps', async () => {
  const place = makePlace();
  const mcp = await openMcp(place);
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'demo', prompt: 'x' });
  const begun = performance.now();
  const waited = await mcp.call<Waiting>('wait_agent', { runId, timeoutMs: 40_000 });
  expect(performance.now() - begun).toBeLessThan(39_000); // it gave up before its time
  expect(waited).toMatchObject({
    status: 'queued',
    timedOut: true,
    waitingFor: { kind: 'no_worker' },
    hint: expect.stringContaining('Nobody can start it for now. No worker is running.'),
    pollAfterMs: 30_000,
  });
  await mcp.close();
  place.clean();
});

test('a run whose provider does not answer says so in every view, with the try and when it comes', async () => {
  const place = makePlace();
  installClaudeStandIn(place);
  const [mcp, worker] = await Promise.all([openMcp(place), startWorkerProcess(place)]);
  const line = (message: object) => ({ print: `${JSON.stringify(message)}\n` });
  const retry = (attempt: number, retry_delay_ms: number) => {
    const refusal = { error_status: 429, error: 'rate_limit' };
    return line({ type: 'system', subtype: 'api_retry', attempt, max_retries: 10, retry_delay_ms, ...refusal });
  };
  const answer = { model: 'm', content: [{ type: 'text', text: 'Here I am.' }] };
  const prompt = steps(
    ...[1, 2, 3].map((attempt) => retry(attempt, 60_000)),
    { until: join(place.work, 'answers') },
    line({ type: 'assistant', message: answer }),
    { until: join(place.work, 'ends') },
    line({ type: 'result', is_error: false, result: 'Done.' }),
  );
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'claude', prompt });
  const status = () => mcp.call<Waiting>('get_agent_status', { runId });
  const waits = await eventually(status, ({ waitingFor }) => waitingFor?.attempt === 3);
  expect(waits).toMatchObject({
    status: 'running',
    waitingFor: {
      kind: 'limit',
      message: 'The provider does not answer for now: rate_limit (HTTP 429); try 3 of 10',
      hint: expect.stringMatching(/^Its program tries again by itself at 20/),
      of: 10,
    },
  });
  expect(Math.abs((waits.waitingFor?.until ?? 0) - Date.now() - 60_000)).toBeLessThan(30_000);
  for (const waiting of await everyView(mcp, runId)) expect(waiting).toEqual(waits.waitingFor);
  for (const command of ['status', 'runs'])
    expect((await agentpool(place, command === 'runs' ? ['runs'] : ['status', runId])).stdout).toContain('try 3 of 10');
  writeFileSync(join(place.work, 'answers'), '');
  expect((await eventually(status, ({ waitingFor }) => waitingFor === undefined)).status).toBe('running');
  writeFileSync(join(place.work, 'ends'), '');
  expect(await mcp.call<Waiting>('wait_agent', { runId })).toMatchObject({ status: 'done', result: 'Done.' });
  await mcp.close();
  await worker.end();
  place.clean();
});

test('so does one of Gemini CLI, which tells its tries on stderr', async () => {
  const place = makePlace();
  installStandIn(place, 'gemini', '0.61.0');
  const [mcp, worker] = await Promise.all([openMcp(place), startWorkerProcess(place)]);
  const line = (message: object) => ({ print: `${JSON.stringify(message)}\n` });
  const failed = (attempt: number, how: string) => ({
    printError: `Attempt ${attempt} failed${how}...\n  status: 429\n`,
  });
  const prompt = steps(
    line({ type: 'init', session_id: 's1', model: 'm' }),
    failed(1, ' with status 429. Retrying with backoff'),
    { until: join(place.work, 'fails') },
    failed(2, ': Quota exceeded. Retrying after 60000ms'),
    { until: join(place.work, 'answers') },
    line({ type: 'message', role: 'assistant', content: 'Here I am.', delta: true }),
    { until: join(place.work, 'ends') },
    line({ type: 'result', status: 'success' }),
  );
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'gemini', prompt });
  const waitingFor = async () => (await mcp.call<Waiting>('get_agent_status', { runId })).waitingFor;
  expect(await eventually(waitingFor, (waiting) => waiting !== undefined)).toMatchObject({
    kind: 'limit',
    message: 'The provider does not answer for now: status 429; try 1',
  });
  writeFileSync(join(place.work, 'fails'), '');
  const waiting = await eventually(waitingFor, (waiting) => waiting?.attempt === 2);
  expect(waiting?.message).toBe('The provider does not answer for now: Quota exceeded; try 2');
  expect(Math.abs((waiting?.until ?? 0) - Date.now() - 60_000)).toBeLessThan(30_000);
  writeFileSync(join(place.work, 'answers'), '');
  await eventually(waitingFor, (waiting) => waiting === undefined);
  writeFileSync(join(place.work, 'ends'), '');
  expect(await mcp.call<Waiting>('wait_agent', { runId })).toMatchObject({ status: 'done', result: 'Here I am.' });
  await mcp.close();
  await worker.end();
  place.clean();
});
