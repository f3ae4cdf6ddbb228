import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastToolResults, type ModelEndpoint, type Script, startModelEndpoint } from '../support/model-endpoint.js';
import { eventually } from '../support/processes.js';
import { allGone, type CliPool, gate, markedCommands, openCliPool, script } from './cli-pool.js';
import { whyMissing } from './programs.js';
import { KEY } from './real-runner.js';
import { realRunner } from './real-runners.js';
import { VERSIONS } from './versions.js';

const CLAUDE = realRunner('claude');

const sleeps = (runId: string) =>
  markedCommands(runId)
    .filter((line) => /^sleep /.test(line))
    .sort();

describe.skipIf(whyMissing('claude'))(`claude ${VERSIONS.claude} at its end`, () => {
  let model: ModelEndpoint;
  let pool: CliPool;

  beforeAll(async () => {
    model = await startModelEndpoint('anthropic', KEY);
    pool = await openCliPool(CLAUDE, model);
    await pool.startWorker();
  });
  afterAll(async () => {
    await pool.stop();
    await model.stop();
  });

  /** One run of a pool of its own, to its end. */
  async function runWith(env: Record<string, string>, turn: Script = () => ({})) {
    const other = await openCliPool(CLAUDE, model, env);
    await other.startWorker();
    model.play(turn);
    const runId = await other.run('hello');
    const ended = await other.end(runId);
    const left = await allGone(runId);
    await other.stop();
    return { ended, left };
  }

  // On TERM it ends its tools itself; on KILL it cannot, and everything is ours to find.
  test.each(['TERM', 'KILL'])('a %s while a tool runs leaves nothing, in whatever session', async (signal) => {
    const command = script(
      pool.place,
      'deep.sh',
      'sleep 300 &',
      'setsid sleep 301 &',
      'nohup setsid sh -c "sleep 302; true" >/dev/null 2>&1 &',
      'sleep 303',
    );
    model.play(() => ({ call: { tool: 'Bash', input: { command } } }));
    const runId = await pool.run('take your time');
    await eventually(
      () => sleeps(runId),
      (seen) => seen.length === 4,
    );
    expect(await pool.mcp.call('kill_agent', { runId, signal })).toMatchObject({ killed: true, status: 'killed' });
    await allGone(runId);
  });

  test('a normal end takes along what a tool left behind', async () => {
    const command = script(pool.place, 'leave.sh', 'nohup setsid sleep 310 >/dev/null 2>&1 &', 'echo left');
    const { passed, open } = gate();
    const asked = model.play((question) =>
      lastToolResults(question).length > 0
        ? { say: ['I left it running.'], after: passed }
        : { call: { tool: 'Bash', input: { command } } },
    );
    const runId = await pool.run('leave something');
    await eventually(() => asked.length === 2);
    expect(sleeps(runId)).toEqual(['sleep 310']);
    open();
    expect(await pool.end(runId)).toMatchObject({ status: 'done', exitCode: 0, result: 'I left it running.' });
    await allGone(runId);
  });

  test('a refused key fails with kind auth and its words, long before it has tried ten times', async () => {
    const { ended, left } = await runWith({ ANTHROPIC_API_KEY: 'no key at all' });
    expect(ended).toMatchObject({
      status: 'failed',
      failure: { kind: 'auth', message: 'authentication_failed (HTTP 401)' },
    });
    expect(left).toEqual([]);
  });

  test('a refused key that it does not try again fails with the words of its result', async () => {
    const { ended } = await runWith({ ANTHROPIC_API_KEY: 'no key at all', CLAUDE_CODE_MAX_RETRIES: '0' });
    expect(ended).toMatchObject({
      status: 'failed',
      exitCode: 1,
      failure: {
        kind: 'auth',
        message: 'Failed to authenticate. API Error: 401 the scripted model does not know this key',
      },
    });
  });

  test('no key at all fails with kind auth', async () => {
    const { ended } = await runWith({ ANTHROPIC_API_KEY: '' });
    expect(ended).toMatchObject({
      status: 'failed',
      exitCode: 1,
      failure: { kind: 'auth', message: expect.stringContaining('Not logged in') },
    });
  });

  test('a provider that refuses for now fails with kind rate_limit', async () => {
    const { ended } = await runWith({ CLAUDE_CODE_MAX_RETRIES: '0' }, () => ({
      refuse: { status: 429, words: 'come back tomorrow' },
    }));
    expect(ended).toMatchObject({
      status: 'failed',
      exitCode: 1,
      failure: { kind: 'rate_limit', message: expect.stringContaining('come back tomorrow') },
    });
  });

  test('a worker with safe permissions has its tools denied, and the run goes on without them', async () => {
    const asked: string[] = [];
    const { ended } = await runWith({ AGENTPOOL_PERMISSIONS: 'safe' }, (question) => {
      asked.push(...lastToolResults(question));
      return lastToolResults(question).length > 0
        ? { say: ['I was not allowed to.'] }
        : { call: { tool: 'Bash', input: { command: 'touch forbidden' } } };
    });
    expect(ended).toMatchObject({ status: 'done', result: 'I was not allowed to.' });
    expect(asked.join()).toMatch(/denied|approval|permission/i);
  });
});
