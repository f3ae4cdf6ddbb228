import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asked, type ModelEndpoint, startModelEndpoint } from '../support/model-endpoint.js';
import { eventually, type Facts } from '../support/processes.js';
import { allGone, type CliPool, gate, markedCommands, once, openCliPool, PATIENCE_MS, script } from './cli-pool.js';
import { leftOut } from './left-out.js';
import { whyMissing } from './programs.js';
import { CASES, type Case, KEY } from './real-runner.js';
import { REAL_RUNNERS } from './real-runners.js';

const MCP_SERVER = fileURLToPath(new URL('../fixtures/agents/mcp-server.mjs', import.meta.url));
const AGENT = 'gardener';
const SYSTEM_PROMPT = 'You are a careful gardener, and never water at noon.';
const FIRST = 'Remember the word tulip.';
const LONG = `Which word was it? ${'All the same to me. '.repeat(15_000)}That was all.`;
/** Four processes, two of them in sessions of their own. */
const DEEP = [
  'sleep 300 &',
  'setsid sleep 301 &',
  'nohup setsid sh -c "sleep 302; true" >/dev/null 2>&1 &',
  'sleep 303',
];

const answersIn = ({ messages }: Asked) => messages.flatMap(({ toolResults }) => toolResults);
const spokenIn = ({ messages }: Asked) => messages.map(({ text }) => text).join('\n');
const isOver = ({ status }: Facts) => status !== 'queued' && status !== 'running';
/** So that the others are tried even where there is too little time for all. */
const SLOW_LAST = REAL_RUNNERS.toSorted((a, b) => Number(a.slow ?? false) - Number(b.slow ?? false));

describe.each(SLOW_LAST.map((real) => [`${real.name} ${real.version}`, real] as const))('%s', (_title, real) => {
  let model: ModelEndpoint;
  let pool: CliPool;
  const missing = whyMissing(real.name);

  beforeAll(async () => {
    if (missing) return;
    model = await startModelEndpoint(real.dialect, KEY);
    pool = await openCliPool(real, model, { MARK_SECRET: 'known to the worker only' });
    await pool.startWorker();
  });
  afterAll(async () => {
    await pool?.stop();
    await model?.stop();
  });

  /** One cell of the table. */
  const cell = (name: Case, look: () => Promise<unknown>) =>
    test(CASES[name], async ({ task, skip }) => {
      const told = { program: real.name, case: name, ...(real.standIn && { standIn: real.standIn }) };
      Object.assign(task.meta, { cell: told });
      const reason = missing ?? real.cannot?.[name] ?? leftOut(name);
      skip(reason !== undefined, reason);
      const outcome = await look();
      if (typeof outcome === 'string') Object.assign(task.meta, { cell: { ...told, outcome } });
    });

  /** Some programs have other tools, and ask more of the model, where it is their own choice. */
  const run = (prompt: string, more: Facts = {}) => pool.run(prompt, { model: real.model[0], ...more });

  /** The first run: it says something, uses a tool, and is held back before it may say its last words. */
  const firstRun = once(async () => {
    const path = join(realpathSync(pool.place.work), 'some folder');
    const mark = join(path, 'mark.txt');
    mkdirSync(path);
    await pool.mcp.call('create_agent', {
      name: AGENT,
      runner: real.name,
      prompt: SYSTEM_PROMPT,
      ...(!real.cannot?.MCP && {
        mcpServers: {
          mark: { command: process.execPath, args: [MCP_SERVER, mark], env: { MARK_SECRET: '$MARK_SECRET' } },
        },
      }),
    });
    const { passed, open } = gate();
    const submittedAt = performance.now();
    let askedWithinMs = 0;
    const asked = model.play((question) => {
      askedWithinMs ||= performance.now() - submittedAt;
      if (question.tools.length === 0) return { say: ['A title'] };
      return answersIn(question).length > 0
        ? { say: ['It is ', 'done.'], after: passed }
        : { say: ['I look ', 'around.'], pauseMs: 20, call: real.shell('pwd; echo made > made.txt') };
    });
    const runId = await run(FIRST, { agentName: AGENT, path });
    await eventually(
      () => pool.status(runId),
      (status) => isOver(status) || asked.some((question) => answersIn(question).length > 0),
      PATIENCE_MS,
    );
    // What can be known before the end; where it does not come, its test says so.
    const tells = ({ outputTail, sessionId }: Facts) =>
      (real.cannot?.streaming !== undefined || String(outputTail).includes('around')) && sessionId !== undefined;
    const held = await eventually(() => pool.status(runId), tells, 60_000).catch(() => pool.status(runId));
    const shownByPs = markedCommands(runId).join('\n');
    open();
    const ended = await pool.end(runId);
    return { path, mark, asked, askedWithinMs, held, shownByPs, ended, status: await pool.status(runId) };
  });

  /** The second run: a long prompt, in the session of the first one where that can be. */
  const secondRun = once(async () => {
    await firstRun();
    const asked = model.play(() => ({ say: ['It was tulip.'] }));
    const runId = await run(LONG, { agentName: AGENT, autoResume: !real.cannot?.resume });
    return { asked, ended: await pool.end(runId) };
  });

  /** A run of which every question is refused, to its end. */
  async function refused(status: number, more: Facts) {
    const asked = model.play(() => ({ refuse: { status, words: 'the scripted model says no' } }));
    const runId = await run('Hello there.', more);
    const ended = await pool.end(runId);
    expect(asked).not.toEqual([]);
    await allGone(runId);
    return ended as { status: string; failure: { kind: string } };
  }

  cell('success', async () => {
    const { ended } = await firstRun();
    expect(ended).toMatchObject({ status: 'done', exitCode: 0, result: expect.stringMatching(/It is done\.$/) });
  });
  cell('streaming', async () => {
    const { held } = await firstRun();
    expect(held).toMatchObject({ status: 'running', outputTail: expect.stringContaining('around') });
  });
  cell('session', async () => {
    const { held, status } = await firstRun();
    expect(held.sessionId).toMatch(/./);
    expect(status.sessionId).toBe(held.sessionId);
  });
  cell('model', async () => {
    const { asked } = await firstRun();
    const main = asked.filter(({ tools }) => tools.length > 0);
    expect(new Set(main.map((question) => question.model))).toEqual(new Set([real.model[1]]));
  });
  cell('system prompt', async () => {
    const { asked } = await firstRun();
    const main = asked.filter((question) => answersIn(question).length > 0);
    expect(main.map(({ system, messages }) => [system, ...messages.map(({ text }) => text)].join('\n'))).toContainEqual(
      expect.stringContaining(SYSTEM_PROMPT),
    );
  });
  cell('private', async () => {
    const { shownByPs } = await firstRun();
    expect(shownByPs).not.toBe('');
    expect(shownByPs).not.toContain(SYSTEM_PROMPT);
    expect(shownByPs).not.toContain(FIRST);
  });
  cell('MCP', async () => {
    const { mark } = await firstRun();
    expect(readFileSync(mark, 'utf8')).toBe('known to the worker only');
  });
  cell('directory', async () => {
    const { asked, path } = await firstRun();
    expect(asked.flatMap(answersIn).join('\n')).toContain(path);
  });
  cell('tool', async () => {
    const { path } = await firstRun();
    expect(readFileSync(join(path, 'made.txt'), 'utf8')).toBe('made\n');
  });
  cell('usage', async () => {
    const { status } = await firstRun();
    expect(status.usage).toMatchObject({ inputTokens: expect.any(Number), outputTokens: expect.any(Number) });
  });

  cell('transcript', async () => {
    const { ended } = await firstRun();
    const events = await eventsOf(String(ended.runId));
    const said = events.filter(({ type }) => type === 'text').map(({ text }) => text);
    expect(said.join('')).toContain('I look around.');
    expect(said.join('')).toMatch(/It is done\.$/);
    const call = events.find(({ type, summary }) => type === 'tool_call' && String(summary).includes('made.txt'));
    expect(call).toMatchObject({ kind: 'execute', name: expect.stringMatching(/./) });
    const results = events.filter(({ type, toolCallId }) => type === 'tool_result' && toolCallId === call?.toolCallId);
    expect(results).toMatchObject([{ ok: true, summary: expect.stringContaining('some folder') }]);
    if (!real.cannot?.usage)
      expect(events).toContainEqual(
        expect.objectContaining({ type: 'usage', inputTokens: expect.any(Number), outputTokens: expect.any(Number) }),
      );
    expect(events.filter(({ type, stream }) => type === 'raw' && stream === 'stdout')).toEqual([]);
  });

  /** The whole transcript of a run. */
  async function eventsOf(runId: string): Promise<readonly Facts[]> {
    const events: Facts[] = [];
    for (let cursor: unknown, more = true; more; ) {
      const page = await pool.mcp.call<Facts & { events: Facts[] }>('stream_agent_output', {
        runId,
        view: 'events',
        ...(cursor !== undefined && { cursor }),
      });
      events.push(...page.events);
      cursor = page.nextCursor;
      more = page.isComplete !== true;
    }
    return events;
  }

  cell('resume', async () => {
    const { asked, ended } = await secondRun();
    expect(ended).toMatchObject({ status: 'done', result: expect.stringMatching(/It was tulip\.$/) });
    const question = asked.map(spokenIn).find((spoken) => spoken.includes('Which word was it?')) ?? '';
    expect(question).toContain(FIRST);
    expect(question).toContain('It is done.');
  });
  cell('300 KB', async () => {
    const { asked, ended } = await secondRun();
    expect(ended).toMatchObject({ status: 'done' });
    expect(asked.map(spokenIn).filter((spoken) => spoken.includes(LONG))).not.toEqual([]);
  });

  cell('kill', async () => {
    const call = real.shell(script(pool.place, 'deep.sh', ...DEEP));
    model.play(({ tools }) => (tools.length === 0 ? { say: ['A title'] } : { call }));
    const runId = await run('Take your time.');
    const sleeps = () => markedCommands(runId).filter((line) => /^sleep /.test(line));
    await eventually(sleeps, (seen) => seen.length === 4, PATIENCE_MS);
    expect(await pool.mcp.call('kill_agent', { runId })).toMatchObject({ killed: true, status: 'killed' });
    await allGone(runId);
  });

  cell('rate limit', async () => {
    // Programs that say nothing before the first answer need that long without any limit being up.
    const { askedWithinMs } = await firstRun();
    const { status, failure } = await refused(429, { silenceTimeoutMs: Math.round(2 * askedWithinMs) + 3_000 });
    expect(['rate_limit', 'silence_limit']).toContain(failure.kind);
    expect(status).toBe(failure.kind === 'rate_limit' ? 'failed' : 'timed_out');
    return failure.kind;
  });
  cell('auth', async () => {
    expect(await refused(401, {})).toMatchObject({ status: 'failed', failure: { kind: 'auth' } });
  });
});
