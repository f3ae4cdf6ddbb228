import { expect, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import type { Usage } from '../../../../src/shared/run.js';
import { demo } from '../../../../src/shared/runners/demo.js';
import { withOwnUsage } from '../../../../src/worker/run/session-usage.js';
import { onePlace, onePool } from '../../../support/beginnings.js';

const place = onePlace();
const pool = onePool(place);

const adding = { ...demo, usageOf: 'session' as const };
const tokens = (inputTokens: number, outputTokens: number): Usage => ({ inputTokens, outputTokens });

/** A run of a session that tells at its end what the session has taken; answers what the run itself has. */
async function omitUndefined(sessionId: string, total: Usage, resumes: boolean, runner = adding) {
  const id = newRunId();
  const order = { runner: 'demo', agentName: 'demo', prompt: 'p', ...(resumes && { sessionId }) };
  await pool.runs.create(id, 'runs.demo', order);
  const own = () =>
    withOwnUsage(
      { runs: pool.runs, runner, runId: id, left: new AbortController().signal, logger: pool.logger },
      { sessionId, result: 'r', usage: total },
    );
  return { findings: await own(), again: await own() };
}

test('a run of a CLI that tells what its session has taken has the difference to the run before', async () => {
  const first = await omitUndefined('s1', tokens(100, 10), false);
  const second = await omitUndefined('s1', tokens(250, 30), true);
  const third = await omitUndefined('s1', tokens(250, 31), true);
  expect([first, second, third].map(({ findings }) => findings.usage)).toEqual([
    tokens(100, 10),
    tokens(150, 20),
    tokens(0, 1),
  ]);
  expect(second.findings).toEqual({ sessionId: 's1', result: 'r', usage: tokens(150, 20) });
});

test('an end that is recorded twice tells the same twice', async () => {
  await omitUndefined('s2', tokens(100, 10), false);
  const { findings, again } = await omitUndefined('s2', tokens(300, 20), true);
  expect(again).toEqual(findings);
});

test('of a session from elsewhere the first run says nothing, and the next one has the difference', async () => {
  const { findings } = await omitUndefined('s3', tokens(900, 90), true);
  expect(findings).toEqual({ sessionId: 's3', result: 'r' });
  expect((await omitUndefined('s3', tokens(1_000, 100), true)).findings.usage).toEqual(tokens(100, 10));
});

test('a session that has begun anew begins to count anew', async () => {
  await omitUndefined('s4', tokens(900, 90), false);
  expect((await omitUndefined('s4', tokens(100, 10), true)).findings.usage).toEqual(tokens(100, 10));
});

test('a CLI that tells what one run has taken is taken at its word', async () => {
  await omitUndefined('s5', tokens(100, 10), false, demo as typeof adding);
  expect((await omitUndefined('s5', tokens(100, 10), true, demo as typeof adding)).findings.usage).toEqual(
    tokens(100, 10),
  );
});
