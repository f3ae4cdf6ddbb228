import { afterEach, beforeEach, expect, test } from 'vitest';
import { processesOf } from '../../src/worker/process/processes.js';
import { claude, installClaudeStandIn } from '../support/claude-stand-in.js';
import { connect, makePlace, type Place, steps } from '../support/pool.js';
import {
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';

let place: Place;
let mcp: McpSession;
const workers: Started[] = [];

async function begin(env: Record<string, string>) {
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here', ...env });
  installClaudeStandIn(place);
  workers.push(await startWorkerProcess(place));
  mcp = await openMcp(place);
}
beforeEach(() => {
  workers.length = 0;
});
afterEach(async () => {
  await mcp.close();
  for (const worker of workers) await worker.end('SIGKILL');
  place.clean();
});

const start = async (list: Parameters<typeof steps>, more: Facts = {}) =>
  (await mcp.call<{ runId: string }>('run_agent', { runner: 'claude', prompt: steps(...list), ...more })).runId;
const statusOf = (runId: string) => mcp.call('get_agent_status', { runId });
const endOf = (runId: string) => mcp.call('wait_agent', { runId, timeoutMs: 40_000 });

/** The program hangs with a child that keeps its output open, as one with a server that it started does. */
const HANGS = [{ spawn: { command: 'sleep 600', keepOutput: true } }, { pause: 600_000 }] as const;

test('a program that hangs after its result is ended after the grace, and its run is done', async () => {
  await begin({ AGENTPOOL_AFTER_RESULT_GRACE_MS: '400' });
  const runId = await start([claude.says('I am at it'), claude.result('all is well'), ...HANGS]);
  const { status, result } = await endOf(runId);
  expect({ status, result }).toEqual({ status: 'done', result: 'all is well' });
  expect(processesOf(runId)).toEqual([]);
});

test('a program that hangs although it ignores the signal is done, too', async () => {
  await begin({ AGENTPOOL_AFTER_RESULT_GRACE_MS: '300' });
  const runId = await start([{ ignore: 'SIGTERM' }, claude.result('done anyway'), ...HANGS]);
  expect(await endOf(runId)).toMatchObject({ status: 'done', result: 'done anyway' });
});

test('a program that hangs after it has reported an error has failed with that error', async () => {
  await begin({ AGENTPOOL_AFTER_RESULT_GRACE_MS: '300' });
  const runId = await start([claude.says('I am at it'), claude.refusal(429), ...HANGS]);
  expect(await endOf(runId)).toMatchObject({ status: 'failed', failure: { kind: 'rate_limit' } });
});

test('a program that goes on with another turn after a result is not disturbed', async () => {
  await begin({ AGENTPOOL_AFTER_RESULT_GRACE_MS: '700' });
  const more = [1, 2, 3, 4].flatMap((turn) => [{ pause: 300 }, claude.says(`turn ${turn}`)]);
  const runId = await start([claude.result('the first'), ...more, claude.result('the second')]);
  expect(await endOf(runId)).toMatchObject({ status: 'done', result: 'the second', exitCode: 0 });
});

test.each([
  ['timed_out', { timeoutMs: 10_000 }], // a busy machine takes seconds to start a program
  ['killed', {}],
])('a result that was printed is kept when the run is %s', async (state, more) => {
  await begin({ AGENTPOOL_AFTER_RESULT_GRACE_MS: '600000' });
  const runId = await start([claude.result('I was ready'), ...HANGS], more);
  await eventually(
    () => statusOf(runId),
    ({ outputBytes }) => Number(outputBytes) > 0,
  );
  if (state === 'killed') await mcp.call('kill_agent', { runId });
  expect(await endOf(runId)).toMatchObject({ status: state, result: 'I was ready' });
});

test('a result that was printed is there while the run is orphaned, and after it was given up', async () => {
  await begin({ AGENTPOOL_AFTER_RESULT_GRACE_MS: '600000' });
  const runId = await start([claude.result('I was ready'), ...HANGS]);
  const pool = await connect(place);
  try {
    await eventually(() => pool.runs.result(runId));
    await workers[0]?.end('SIGKILL');
    const elsewhere = (env: Record<string, string> = {}) =>
      startWorkerProcess({ ...place, env: { ...place.env, AGENTPOOL_HOST_NAME: 'elsewhere', ...env } });
    const patient = await elsewhere();
    workers.push(patient);
    const seen = await eventually(
      () => statusOf(runId),
      ({ status }) => status === 'orphaned',
    );
    expect(seen).toMatchObject({ result: 'I was ready' });
    await patient.end();
    workers.push(await elsewhere({ AGENTPOOL_LOST_AFTER_MS: '1000' }));
    expect(await endOf(runId)).toMatchObject({ status: 'failed', failure: { kind: 'lost' }, result: 'I was ready' });
  } finally {
    await pool.stop();
    for (const { pid } of processesOf(runId)) process.kill(pid, 'SIGKILL');
  }
});

test('a worker that takes such a run over ends it after the grace', async () => {
  await begin({ AGENTPOOL_AFTER_RESULT_GRACE_MS: '600000' });
  const runId = await start([claude.result('kept for the next'), ...HANGS]);
  const pool = await connect(place);
  try {
    await eventually(() => pool.runs.result(runId));
  } finally {
    await pool.stop();
  }
  await workers[0]?.end('SIGKILL');
  place.env.AGENTPOOL_AFTER_RESULT_GRACE_MS = '300';
  workers.push(await startWorkerProcess(place));
  expect(await endOf(runId)).toMatchObject({ status: 'done', result: 'kept for the next' });
});
