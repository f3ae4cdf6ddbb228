import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { newRunId, submitAll } from '../../src/client/submit.js';
import { openLogger } from '../../src/shared/logger.js';
import { LOCAL } from '../../src/shared/principal.js';
import { openRedis } from '../../src/shared/redis/connect.js';
import { redisTarget } from '../../src/shared/redis/target.js';
import { asUnreachable } from '../../src/shared/redis/unreachable.js';
import { bearerOf } from '../support/http-token.js';
import { configOf, connect, makePlace, type Place, steps } from '../support/pool.js';
import {
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startServeProcess,
  startWorkerProcess,
} from '../support/processes.js';
import { type Cost, noCost } from './table.js';

const LINES = 50;
const lineOf = (number: number) => `line ${String(number).padStart(8, '0')} `;
/** The followed run of a fault prints for 12 s. */
const LONG = { count: 600, everyMs: 20 };

/** The errors that a caller is told to try again after; any other one is a defect. */
const PASSING = ['redis_unreachable', 'redis_refused'];
/** Nothing is unusable for so long (ms); a fault that takes longer has its own time on top. */
const USABLE_WITHIN_MS = 60_000;

/** Runs that are looked at at once, when all is over. */
const ACCOUNTED_AT_ONCE = 8;

/** Makes something happen to the servers; `switched` is called when another one has become the master. */
export type Fault = (switched: () => void) => Promise<void>;

export interface Battery {
  readonly cost: Cost;
  /** Does all that a pool is for, once. */
  all(): Promise<void>;
  /**
   * Submits without a pause while `fault` happens, by a server that stays and by processes that have just begun, until
   * `atLeast` submissions were accepted and five of each after the fault; then looks at every run.
   */
  during(fault: Fault, atLeast?: number): Promise<void>;
}

export interface Pool {
  battery(): Battery;
  stop(): Promise<void>;
}

/** A run that was written by a submitter that died two minutes ago, before its job was placed. */
async function leaveUnplaced(place: Place): Promise<string> {
  const pool = await connect(place);
  const target = redisTarget(configOf(place), (path) => readFileSync(path, 'utf8'));
  if (!target) throw new Error('no REDIS_URL');
  const redis = await openRedis(target, 'asking', openLogger('test', 'error'));
  const id = newRunId();
  const prompt = steps({ print: 'placed after all\n' });
  await pool.runs.create(id, 'runs.scripted', {
    runner: 'scripted',
    agentName: 'unplaced',
    principal: 'local',
    prompt,
  });
  await redis.hset(`${place.env.AGENTPOOL_PREFIX}:run:{${id}}`, 'queuedAt', String((await pool.runs.now()) - 120_000));
  await pool.runs.reindex(id);
  redis.disconnect();
  await pool.stop();
  return id;
}

/** How many runs match a filter, by all pages of the list. */
async function countListed(mcp: McpSession, filter: object): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const asked = { ...filter, limit: 200, ...(cursor !== undefined && { cursor }) };
    const page = await mcp.call<{ runs: unknown[]; nextCursor?: string }>('list_runs', asked);
    count += page.runs.length;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return count;
}

function check(holds: boolean, what: string, seen: unknown): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(seen)}`);
}

/** Whatever was printed, from the first byte to the last, as a follower gets it. */
async function follow(mcp: McpSession, runId: string): Promise<string> {
  let text = '';
  let cursor: string | undefined;
  for (;;) {
    const asked = { runId, waitMs: 5_000, ...(cursor !== undefined && { cursor }) };
    const page = await patiently(() =>
      mcp.call<{ output: string; nextCursor: string; isComplete: boolean }>('stream_agent_output', asked),
    );
    text += page.output;
    cursor = page.nextCursor;
    if (page.isComplete) return text;
  }
}

/** Adds to the cost what is missing of the numbered lines of a run and what is there twice. */
function countLines(runId: string, text: string, count: number, cost: Cost): void {
  const found = text.split('\n').filter((line) => line !== '');
  const numbers = new Set(found.map((line) => line.slice(0, lineOf(0).length)));
  const missing = Array.from({ length: count }, (_, at) => at + 1).filter((number) => !numbers.has(lineOf(number)));
  const doubled = found.length - numbers.size;
  cost.lost += missing.length;
  cost.doubled += doubled;
  if (missing.length + doubled > 0) cost.wrong.push({ runId, missing, doubled, end: text.slice(-200) });
}

/** Asks again, as the error says, until it is answered. Throws any other error. */
async function patiently<Answer>(action: () => Promise<Answer>): Promise<Answer> {
  const deadline = performance.now() + USABLE_WITHIN_MS;
  for (;;) {
    const answer = await action().then(
      (value) => ({ value }),
      (error: Error & { code?: string }) => ({ error }),
    );
    if ('value' in answer) return answer.value;
    const { code, message } = answer.error;
    check(PASSING.includes(String(code)), 'an error', { code, message });
    check(performance.now() < deadline, 'usable again within a minute', message);
    await pause(50);
  }
}

/** Submits as a process does that has just connected, and ends. */
async function submitAnew(place: Place, clientToken: string, prompt: string): Promise<string> {
  const pool = await connect(place);
  try {
    const [submitted] = await submitAll({ pool, principal: LOCAL }, [{ runner: 'numbering', prompt, clientToken }]);
    return submitted?.run.id ?? '';
  } catch (error) {
    throw asUnreachable(error) ?? error; // as every door does
  } finally {
    await pool.stop();
  }
}

/** What Redis has of a run that did not come to its end. */
async function whereIs(place: Place, runId: string): Promise<Facts> {
  const pool = await connect(place);
  try {
    const run = await pool.runs.get(runId);
    return { run, job: run && (await pool.queues.has(runId, run.queue)), now: await pool.runs.now() };
  } finally {
    await pool.stop();
  }
}

/** How long nothing could be done: in all, and after a switch. */
function startWatch(cost: Cost) {
  let last = performance.now();
  let switchedAt: number | undefined;
  return {
    switched() {
      switchedAt = performance.now();
    },
    /** Something was done that had begun at that time. */
    done(begunAt: number) {
      const now = performance.now();
      cost.unusableMs = Math.max(cost.unusableMs, Math.round(now - last));
      last = now;
      if (switchedAt === undefined || begunAt < switchedAt) return;
      cost.afterSwitchMs = Math.max(cost.afterSwitchMs ?? 0, Math.round(now - switchedAt));
      switchedAt = undefined;
    },
  };
}

/** A worker, a server of MCP and the board, as processes on a Redis that `env` describes. */
export async function startPool(env: Readonly<Record<string, string>>): Promise<Pool> {
  const { REDIS_URL = '', ...settings } = env;
  const place = makePlace({ AGENTPOOL_PREFIX: 'agentpool', AGENTPOOL_CONCURRENCY: '8', ...settings }, REDIS_URL);
  const mcp = await openMcp(place);
  const board = await startServeProcess(place);
  let worker: Started | undefined;
  let batteries = 0;

  function battery(): Battery {
    batteries += 1;
    const name = `b${batteries}`;
    const cost = noCost();
    const mark = (token: string) => join(place.work, `started-${name}-${token}`);
    const startsOf = (token: string) =>
      existsSync(mark(token)) ? readFileSync(mark(token), 'utf8').trim().split('\n').length : 0;

    const submit = async (token: string, rest: Facts[], more: Facts = {}) => {
      const prompt = steps({ mark: mark(token) }, ...rest);
      const asked = { runner: 'scripted', clientToken: `${name}-${token}`, prompt, ...more };
      return (await mcp.call<{ runId: string }>('run_agent', asked)).runId;
    };

    /** Waits for the end of a run that was accepted and counts what is wrong with it. */
    async function account(token: string, runId: string): Promise<void> {
      cost.runs += 1;
      const { status } = await mcp
        .call<{ status: string }>('wait_agent', { runId, timeoutMs: 100_000 })
        .catch((error: Error) => ({ status: error.message }));
      if (status !== 'done') {
        cost.lost += 1;
        cost.wrong.push({ token, runId, status, starts: startsOf(token), ...(await whereIs(place, runId)) });
      } else countLines(runId, await follow(mcp, runId), LINES, cost);
      if (startsOf(token) > 1) {
        cost.startedTwice += 1;
        cost.wrong.push({ token, runId, starts: startsOf(token) });
      }
    }

    async function all(): Promise<void> {
      const unplaced = await leaveUnplaced(place);
      await worker?.end();
      worker = await startWorkerProcess(place);
      const tokens = ['a', 'b', 'c'];
      const ids = await Promise.all(tokens.map((token) => submit(token, [{ lines: { count: LINES } }])));
      await Promise.all(tokens.map((token, at) => account(token, ids[at] ?? '')));

      const followed = await submit('followed', [{ lines: { count: LINES, everyMs: 10 } }]);
      countLines(followed, await follow(mcp, followed), LINES, cost);

      const endless = await submit('endless', [{ pause: 600_000 }]);
      const killed = await mcp.call<Facts>('kill_agent', { runId: endless, graceMs: 500 });
      check(killed.status === 'killed', 'a kill', killed);

      const asked = Date.now();
      const delayed = await submit('delayed', [{ now: true }], { delayMs: 1_000 });
      const started = Number(await follow(mcp, delayed));
      check(
        started - asked >= 950 && started - asked < 15_000,
        'the start of a run delayed by 1000 ms',
        started - asked,
      );

      const session = `s-${name}`;
      const first = await submit('session', [{ print: `${JSON.stringify({ session_id: session })}\n` }]);
      await mcp.call('wait_agent', { runId: first });
      const resumed = await submit('resumed', [{ echoArguments: true }], { sessionId: session });
      const words = await follow(mcp, resumed);
      check(words === `["--resume","${session}"]\n`, 'the arguments of a resumed run', words);

      const made = [...ids, followed, endless, delayed, first, resumed];
      const { runs } = await mcp.call<{ runs: { runId: string }[] }>('list_runs', { limit: 200 });
      const listed = new Set(runs.map(({ runId }) => runId));
      check(
        made.every((id) => listed.has(id)),
        'the list of runs',
        [...listed],
      );
      const { host } = await mcp.call<{ host?: string }>('get_agent_status', { runId: first });
      for (const filter of [{ status: 'done' }, { status: 'done', host }]) {
        const { stats } = await mcp.call<{ stats: { count: number }[] }>('list_runs', { ...filter, stats: true });
        const counted = stats.reduce((sum, { count }) => sum + count, 0);
        const listed = await countListed(mcp, filter);
        check(counted > 0 && counted === listed, 'statistics', [filter, stats, listed]);
      }
      for (const [path, words] of [
        ['/', 'Workers'],
        [`/runs/${followed}`, lineOf(LINES).trim()],
      ] as const) {
        const page = await fetch(new URL(path, board.url), { headers: bearerOf(place) });
        const text = await page.text();
        check(page.status === 200 && text.includes(words), `the page ${path}`, [page.status, text.slice(0, 300)]);
      }
      const swept = await mcp.call<Facts>('wait_agent', { runId: unplaced, timeoutMs: 20_000 });
      check(swept.status === 'done', 'a run that the sweep places', swept);
    }

    async function during(fault: Fault, atLeast = 10): Promise<void> {
      const long = await submit('long', [{ lines: LONG }]);
      const following = follow(mcp, long);
      following.catch(() => {}); // looked at below
      const accepted = new Map<string, string>();
      const watches: ReturnType<typeof startWatch>[] = [];
      let over = false;
      let gaveUp: unknown;

      /** One who submits one run after the other; `doIt` answers its id when that counts as done. */
      async function submitting(who: string, doIt: (token: string) => Promise<string>): Promise<void> {
        const watch = startWatch(cost);
        watches.push(watch);
        for (let number = 1, after = 0; (after < 5 || accepted.size < atLeast) && gaveUp === undefined; number += 1) {
          const token = `${who}${number}`;
          const begunAt = performance.now();
          accepted.set(token, await doIt(token));
          watch.done(begunAt);
          if (over) after += 1;
          await pause(accepted.size < atLeast ? 20 : 200);
        }
      }
      const staying = submitting('s', async (token) => {
        // A name of its own takes turns with the others, so its time is not that of a queue that has grown long.
        const asked = {
          runner: 'numbering',
          agentName: 'staying',
          prompt: `${mark(token)}\n`,
          clientToken: `${name}-${token}`,
        };
        const { runId } = await patiently(() => mcp.call<{ runId: string }>('run_agent', asked));
        await patiently(() => mcp.call('wait_agent', { runId, timeoutMs: 30_000 }));
        return runId;
      });
      const anew = submitting('n', (token) =>
        patiently(() => submitAnew(place, `${name}-${token}`, `${mark(token)}\n`)),
      );
      const happening = fault(() => {
        for (const watch of watches) watch.switched();
      }).finally(() => {
        over = true;
      });
      await Promise.all([staying, anew, happening]).catch((error) => {
        gaveUp = error;
        throw error;
      });
      countLines(long, await following, LONG.count, cost);
      const toAccount = [...accepted];
      const lane = async () => {
        for (let next = toAccount.shift(); next; next = toAccount.shift()) await account(...next); // the oldest has its turn first
      };
      await Promise.all(Array.from({ length: ACCOUNTED_AT_ONCE }, lane));
    }

    return { cost, all, during };
  }

  return {
    battery,
    async stop() {
      await mcp.close();
      await board.end('SIGKILL');
      await worker?.end('SIGKILL');
      place.clean();
    },
  };
}
