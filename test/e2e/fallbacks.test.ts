import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { isEnded, type RunState } from '../../src/shared/run-state.js';
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
import { seeded } from '../support/random.js';

let place: Place;
let mcp: McpSession;
let worker: Started;

beforeEach(async () => {
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here', TOKEN_A: 'value-a', TOKEN_B: 'value-b', TOKEN_C: 'value-c' });
  installClaudeStandIn(place);
  worker = await startWorkerProcess(place);
  mcp = await openMcp(place);
  await mcp.call('create_agent', {
    name: 'coder',
    runner: 'claude',
    prompt: 'You are a test.',
    env: { TOKEN: '$TOKEN_A', TRY: 'first' },
    fallbacks: { TOKEN: ['$TOKEN_B', '$TOKEN_C'], TRY: ['second', 'third'] },
  });
});
afterEach(async () => {
  await mcp.close();
  await worker.end('SIGKILL');
  place.clean();
});

const file = (name: string) => join(place.work, name);
const lines = (name: string) => readFileSync(file(name), 'utf8').split('\n').filter(Boolean);
const status = (runId: string) => mcp.call<Facts & { status: RunState }>('get_agent_status', { runId });
const output = async (runId: string) =>
  (await mcp.call<{ output: string }>('stream_agent_output', { runId, view: 'raw' })).output;

/** What the program does in each try; it marks each of its starts. */
async function submit(tries: Readonly<Record<'first' | 'second' | 'third', readonly Facts[]>>, more: Facts = {}) {
  const prompt = steps({ mark: file('starts') }, { byVariable: { name: 'TRY', ...tries } });
  return (await mcp.call<{ runId: string }>('run_agent', { agentName: 'coder', prompt, ...more })).runId;
}
const end = async (runId: string) => {
  await mcp.call('wait_agent', { runId });
  return status(runId);
};

/** The changes of a run's state, as they are in its stream. */
async function changes(runId: string): Promise<Facts[]> {
  const redis = new Redis({ path: inject('redisUrl').replace('unix://', '') });
  const entries = await redis.xrange(`${place.env.AGENTPOOL_PREFIX}:run:{${runId}}:events`, '-', '+');
  redis.disconnect();
  return entries.flatMap(([, [, kind, , json = '']]) => (kind === 'state' ? [JSON.parse(json) as Facts] : []));
}

/** The spool of the one run of this place. */
function spool(runId: string): string {
  const pools = join(place.home, 'spool');
  return join(pools, readdirSync(pools)[0] ?? '', 'here', runId);
}
const meta = (runId: string) => JSON.parse(readFileSync(join(spool(runId), 'meta.json'), 'utf8')) as Facts;

describe('the values of a profile', () => {
  it('are tried in order, in the same run, while the provider refuses before any work was done', async () => {
    const runId = await submit({
      first: [{ echoArguments: true }, { printError: 'one\n' }, ...claude.refused(401)],
      second: [{ echoArguments: true }, { printError: 'two\n' }, ...claude.refused(429)],
      third: [{ echoArguments: true }, { environment: ['TRY', 'TOKEN'] }, claude.says('hello'), claude.result('fine')],
    });
    const ended = await end(runId);
    const credentials = { attempt: 3, of: 3, variables: ['TOKEN', 'TRY'] };
    expect(ended).toMatchObject({ status: 'done', result: 'fine', credentials });
    expect(ended.pid).toBe(Number(lines('starts')[2]));
    const printed = (
      await mcp.call<{ output: string }>('stream_agent_output', { runId, stream: 'stdout', view: 'raw' })
    ).output;
    expect(printed).toMatch(/API Error: 401[\s\S]*API Error: 429[\s\S]*"TRY":"third","TOKEN":"value-c"[\s\S]*fine/);
    const { output: errors } = await mcp.call<{ output: string }>('stream_agent_output', {
      runId,
      stream: 'stderr',
      view: 'raw',
    });
    expect(errors).toBe('one\ntwo\n');
    const sessions = [...printed.matchAll(/"--session-id","([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(sessions).size).toBe(3);
    expect(ended.sessionId).toBe(sessions[2]);
    expect((await changes(runId)).filter(({ because }) => because)).toEqual([
      { state: 'running', ...credentials, attempt: 2, because: { kind: 'auth', message: 'API Error: 401' } },
      { state: 'running', ...credentials, attempt: 3, because: { kind: 'rate_limit', message: 'API Error: 429' } },
    ]);
  });

  it('are not tried any more once there was work: the prompt is not given away twice', async () => {
    const none: Facts[] = [];
    const runId = await submit({ first: [claude.says('I begin'), ...claude.refused(429)], second: none, third: none });
    expect(await end(runId)).toMatchObject({
      status: 'failed',
      failure: { kind: 'rate_limit' },
      credentials: { attempt: 1, of: 3 },
    });
    expect(lines('starts')).toHaveLength(1);
  });

  it('are not tried for another failure', async () => {
    const runId = await submit({ first: [{ exit: 3 }], second: [], third: [] });
    expect(await end(runId)).toMatchObject({
      status: 'failed',
      failure: { kind: 'exit' },
      credentials: { attempt: 1 },
    });
  });

  it('may all be refused: the run has failed as the last one did', async () => {
    const runId = await submit({ first: claude.refused(429), second: claude.refused(429), third: claude.refused(401) });
    expect(await end(runId)).toMatchObject({
      status: 'failed',
      exitCode: 1,
      failure: { kind: 'auth', message: 'API Error: 401' },
      credentials: { attempt: 3 },
    });
    expect(lines('starts')).toHaveLength(3);
  });

  it('share the limit of time, which counts from the first try on', async () => {
    const runId = await submit(
      { first: [{ until: file('go') }, ...claude.refused(401)], second: [{ pause: 600_000 }], third: [] },
      { timeoutMs: 10_000 }, // long enough for two programs to start on a busy machine
    );
    const { startedUptimeMs } = await eventually(() => meta(runId), Boolean);
    writeFileSync(file('go'), '');
    const second = await eventually(
      () => meta(runId),
      ({ attempt, wrapper }) => attempt !== undefined && wrapper !== undefined,
    );
    expect(second.startedUptimeMs).toBe(startedUptimeMs);
    expect(await end(runId)).toMatchObject({ status: 'timed_out', credentials: { attempt: 2 } });
  });

  it('must all be known to the worker, before the first is tried', async () => {
    await mcp.call('update_agent_config', { name: 'coder', fallbacks: { TOKEN: ['$TOKEN_B', '$NO_SUCH_NAME'] } });
    const runId = await submit({ first: [], second: [], third: [] });
    expect(await end(runId)).toMatchObject({
      status: 'failed',
      failure: { kind: 'invalid_request', message: expect.stringContaining('NO_SUCH_NAME') },
    });
  });
});

describe('a worker that dies', () => {
  const tries = () => ({
    first: [{ print: 'first\n' }, { until: file('go') }, ...claude.refused(401)],
    second: [{ print: 'second\n' }, claude.result('fine')],
    third: [],
  });
  const printed = `first\n${claude.refusal(401).print}second\n${claude.result('fine').print}`;

  async function dieInFirstTry(): Promise<string> {
    const runId = await submit(tries());
    await eventually(
      () => status(runId),
      ({ outputBytes }) => outputBytes === 6,
    );
    await worker.end('SIGKILL');
    writeFileSync(file('go'), '');
    await eventually(
      () => processesOf(runId),
      (left) => left.length === 0,
    );
    return runId;
  }

  /**
   * As if it had died just after it had written down that the second try is next, and before it started it; `launching`: when
   * it had also told the record that it was about to.
   */
  async function dieBetween(launching = false): Promise<string> {
    const runId = await dieInFirstTry();
    const { wrapper: _, sessionId: __, ...rest } = meta(runId);
    const attempt = {
      number: 2,
      from: { out: readFileSync(join(spool(runId), 'stdout')).length, err: 0 },
      startedUptimeMs: rest.startedUptimeMs,
      because: { kind: 'auth' as const, message: 'API Error: 401' },
    };
    const pool = await connect(place);
    const run = await pool.runs.get(runId);
    if (!run?.credentials || !run.launchFacts)
      throw new Error('its agent has further values, and its program was started');
    // The record first: a spool is within reach of its program, so one that is ahead of the record is forged.
    await pool.runs.triesAgain(run, { ...run.credentials, attempt: 2 }, attempt.because);
    writeFileSync(join(spool(runId), 'meta.json'), JSON.stringify({ ...rest, attempt }));
    if (launching) await pool.runs.launching(run, 2, run.launchFacts);
    await pool.stop();
    return runId;
  }

  it.each([
    ['while the first try ends', dieInFirstTry],
    ['between two tries', () => dieBetween()],
    ['just before the second try starts', () => dieBetween(true)],
  ])('%s is followed by one that goes on with the second, and nothing is lost or doubled', async (_, die) => {
    const runId = await die();
    worker = await startWorkerProcess(place);
    expect(await end(runId)).toMatchObject({ status: 'done', result: 'fine', credentials: { attempt: 2 } });
    expect(await output(runId)).toBe(printed);
    expect(lines('starts')).toHaveLength(2);
    expect((await changes(runId)).filter(({ because }) => because)).toHaveLength(1);
  });

  it('between two tries leaves a kill to the next one, which starts nothing more', async () => {
    const runId = await dieBetween();
    expect(await mcp.call('kill_agent', { runId })).toMatchObject({ pending: true });
    worker = await startWorkerProcess(place);
    expect(await end(runId)).toMatchObject({ status: 'killed' });
    expect(lines('starts')).toHaveLength(1);
  });

  it('again and again, at any moment, costs no try and no line', async () => {
    const count = 6;
    const names = Array.from({ length: count }, (_, at) => `try-${at + 1}`);
    await mcp.call('update_agent_config', {
      name: 'coder',
      env: { TRY: 'try-1' },
      fallbacks: { TRY: names.slice(1), TOKEN: null },
    });
    const printing = (name: string) => [{ print: `${name} begins\n` }, { pause: 100 }, { print: `${name} ends\n` }];
    const prompt = steps(
      { mark: file('starts') },
      {
        byVariable: {
          name: 'TRY',
          ...Object.fromEntries(
            names.map((name, at) => [
              name,
              [...printing(name), ...(at + 1 === count ? [claude.result('fine')] : claude.refused(429))],
            ]),
          ),
        },
      },
    );
    const { runId } = await mcp.call<{ runId: string }>('run_agent', { agentName: 'coder', prompt });
    const random = seeded(5);
    while (!isEnded((await status(runId)).status)) {
      await pause(random.whole(0, 400)); // the moment of the death, not a wait for anything
      await worker.end('SIGKILL');
      worker = await startWorkerProcess(place);
    }
    expect(await status(runId)).toMatchObject({ status: 'done', credentials: { attempt: count, of: count } });
    const refusal = claude.refusal(429).print;
    const whole = names.map(
      (name, at) => `${name} begins\n${name} ends\n${at + 1 === count ? claude.result('fine').print : refusal}`,
    );
    expect(await output(runId)).toBe(whole.join(''));
    expect(lines('starts')).toHaveLength(count);
  });
});
