import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastToolResults, type ModelEndpoint, type Script, startModelEndpoint } from '../support/model-endpoint.js';
import { eventually, type Facts } from '../support/processes.js';
import { type CliPool, fileOf, gate, openCliPool } from './cli-pool.js';
import { whyMissing } from './programs.js';
import { KEY } from './real-runner.js';
import { realRunner } from './real-runners.js';
import { VERSIONS } from './versions.js';

const CLAUDE = realRunner('claude');

const say = (words: string): Script => {
  return () => ({ say: [words] });
};
/** Calls a shell command first, then says something; `after` holds the second turn back. */
const shell = (command: string, words: string, after = Promise.resolve()): Script => {
  return (asked) =>
    lastToolResults(asked).length > 0
      ? { say: [words], after }
      : { say: ['I ', 'look ', 'around.'], pauseMs: 20, call: { tool: 'Bash', input: { command } } };
};

describe.skipIf(whyMissing('claude'))(`claude ${VERSIONS.claude}`, () => {
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

  test('a run goes from queued over running to done, with pid, session and output before its end', async () => {
    const late = await openCliPool(CLAUDE, model);
    const { passed, open } = gate();
    model.play(shell('echo looked', 'It is done.', passed));
    const runId = await late.run('look around', { agentName: 'looker' });
    expect(await late.status(runId)).toMatchObject({ status: 'queued' });

    await late.startWorker();
    const running = await eventually(
      () => late.status(runId),
      ({ outputTail }) => String(outputTail).includes('I look around.'),
    );
    expect(running).toMatchObject({ status: 'running', sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(fileOf(String(running.pid), 'environ').split('\0')).toContain(`AGENTPOOL_RUN=${runId}`);
    expect(fileOf(String(running.pid), 'cmdline')).toContain('stream-json');

    open();
    expect(await late.end(runId)).toMatchObject({ status: 'done', exitCode: 0, result: 'It is done.' });
    expect(await late.status(runId)).toMatchObject({
      pid: running.pid,
      sessionId: running.sessionId,
      usage: { inputTokens: 200, outputTokens: 20, costUsd: expect.any(Number) },
    });
    const { output } = await late.mcp.call('stream_agent_output', { runId, view: 'raw', maxBytes: 1_000_000 });
    const printed = String(output)
      .trim()
      .split('\n')
      .map((line): Facts => JSON.parse(line));
    expect(new Set(printed.map(({ session_id }) => session_id))).toEqual(new Set([running.sessionId]));
    expect(printed.at(-1)).toMatchObject({ type: 'result', result: 'It is done.' });
    await late.stop();
  });

  test('the model, the working directory and the tools reach it', async () => {
    const path = join(realpathSync(pool.place.work), 'some folder');
    mkdirSync(path);
    const asked = model.play(shell('pwd', 'I am there.'));
    const runId = await pool.run('where are you?', { model: 'claude-sonnet-4-5', path });
    expect(await pool.end(runId)).toMatchObject({ status: 'done', result: 'I am there.' });
    expect(new Set(asked.map((one) => one.model))).toEqual(new Set(['claude-sonnet-4-5']));
    expect(asked.flatMap(lastToolResults).map((line) => line.split('\n')[0])).toEqual([path]);
  });

  test('a named session and autoResume carry the earlier turns on', async () => {
    model.play(say('I keep the word tulip.'));
    const first = await pool.run('remember the word tulip', { agentName: 'gardener' });
    await pool.end(first);
    const { sessionId } = await pool.status(first);

    const second = model.play(say('And the word rose.'));
    const resumed = await pool.run('and the word rose', { sessionId, agentName: 'gardener' });
    expect(await pool.end(resumed)).toMatchObject({ status: 'done', result: 'And the word rose.' });
    const spoken = (asked: typeof second) =>
      asked
        .at(-1)
        ?.messages.map(({ text }) => text)
        .join('\n') ?? '';
    expect(spoken(second)).toContain('remember the word tulip');
    expect(spoken(second)).toContain('I keep the word tulip.');

    const third = model.play(say('Tulip and rose.'));
    const latest = await pool.run('which words?', { autoResume: true, agentName: 'gardener' });
    expect(await pool.end(latest)).toMatchObject({ status: 'done', result: 'Tulip and rose.' });
    expect(spoken(third)).toMatch(/tulip[\s\S]*And the word rose\.[\s\S]*which words\?/);
    expect(await pool.status(latest)).toMatchObject({ sessionId, usage: { inputTokens: 100, outputTokens: 10 } });
  });

  test('a session that does not exist fails with its own words', async () => {
    const sessionId = '00000000-0000-4000-8000-000000000000';
    const runId = await pool.run('go on', { sessionId });
    expect(await pool.end(runId)).toMatchObject({
      status: 'failed',
      exitCode: 1,
      failure: {
        kind: 'agent',
        message: expect.stringContaining(`No conversation found with session ID: ${sessionId}`),
      },
    });
  });

  test('a prompt of 1 MB arrives whole', async () => {
    const prompt = `first line\n${'all the same to me, '.repeat(52_000)}\nlast line`;
    const asked = model.play(say('That was long.'));
    const runId = await pool.run(prompt);
    expect(await pool.end(runId)).toMatchObject({ status: 'done', result: 'That was long.' });
    expect(asked[0]?.messages.some(({ text }) => text.includes(prompt))).toBe(true);
  });

  test('the turns that it takes when a tool in the background ends count as one run', async () => {
    const { passed, open } = gate();
    // The background tool ends when the file is there, which is after the first turn has ended.
    const asked = model.play(({ messages }) => {
      const turns = messages.filter(({ role }) => role === 'assistant').length;
      if (turns === 0)
        return { call: { tool: 'Bash', input: { command: 'until [ -e go ]; do :; done', run_in_background: true } } };
      return turns === 1 ? { say: ['I wait for it.'] } : { say: ['Now it has ended.'], after: passed };
    });
    const runId = await pool.run('start it in the background');
    await eventually(
      () => pool.status(runId),
      ({ outputTail }) => String(outputTail).includes('"result":"I wait for it."'),
    );
    expect(asked).toHaveLength(2);
    open();
    mkdirSync(join(pool.place.work, 'go'));
    expect(await pool.end(runId)).toMatchObject({ status: 'done', result: 'Now it has ended.' });
    expect(await pool.status(runId)).toMatchObject({ usage: { inputTokens: 300, outputTokens: 30 } });
  });
});
