import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { newRunId } from '../../src/client/submit.js';
import { openLogger } from '../../src/shared/logger.js';
import { openRedis } from '../../src/shared/redis/connect.js';
import { redisTarget } from '../../src/shared/redis/target.js';
import { configOf, connect, type Place, steps } from '../support/pool.js';
import { type Facts, type McpSession, openMcp, startWorkerProcess } from '../support/processes.js';

/** What a topology has cost: runs and lines of output, and the longest time without an accepted submission (ms). */
export interface Cost {
  runs: number;
  lost: number;
  doubled: number;
  startedTwice: number;
  unusableMs: number;
}

const LINES = 50;
const lineOf = (number: number) => `line ${String(number).padStart(8, '0')} `;

/** The errors that a caller is told to try again after; any other one is a defect. */
const PASSING = ['redis_unreachable', 'redis_refused'];

export interface Battery {
  readonly place: Place;
  readonly mcp: McpSession;
  readonly cost: Cost;
  /** Does all that a pool is for, once. */
  all(): Promise<void>;
  /** Submits without a pause while `fault` happens, until five more were accepted after it; then looks at every run. */
  during(fault: () => Promise<void>): Promise<void>;
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
  redis.disconnect();
  await pool.stop();
  return id;
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
    const page = await mcp.call<{ output: string; nextCursor: string; isComplete: boolean }>(
      'stream_agent_output',
      asked,
    );
    text += page.output;
    cursor = page.nextCursor;
    if (page.isComplete) return text;
  }
}

/** Adds to the cost what is missing of numbered lines and what is there twice. */
function countLines(text: string, count: number, cost: Cost): void {
  const found = text.split('\n').filter((line) => line !== '');
  const numbers = new Set(found.map((line) => line.slice(0, lineOf(0).length)));
  for (let number = 1; number <= count; number += 1) if (!numbers.has(lineOf(number))) cost.lost += 1;
  cost.doubled += found.length - numbers.size;
}

export async function startBattery(place: Place): Promise<Battery> {
  const unplaced = await leaveUnplaced(place);
  const worker = await startWorkerProcess(place);
  const mcp = await openMcp(place);
  const cost: Cost = { runs: 0, lost: 0, doubled: 0, startedTwice: 0, unusableMs: 0 };
  const mark = (token: string) => join(place.work, `started-${token}`);
  const startsOf = (token: string) =>
    existsSync(mark(token)) ? readFileSync(mark(token), 'utf8').trim().split('\n').length : 0;

  const submit = async (token: string, rest: Facts[], more: Facts = {}) => {
    const asked = { runner: 'scripted', clientToken: token, prompt: steps({ mark: mark(token) }, ...rest), ...more };
    return (await mcp.call<{ runId: string }>('run_agent', asked)).runId;
  };

  /** Waits for the end of a run that was accepted and counts what is wrong with it. */
  async function account(token: string, runId: string, lines = LINES): Promise<void> {
    cost.runs += 1;
    const { status } = await mcp
      .call<{ status: string }>('wait_agent', { runId, timeoutMs: 40_000 })
      .catch((error: Error) => ({ status: error.message }));
    if (status !== 'done') cost.lost += 1;
    else countLines(await follow(mcp, runId), lines, cost);
    if (startsOf(token) > 1) cost.startedTwice += 1;
  }

  async function all(): Promise<void> {
    const tokens = ['a', 'b', 'c'];
    const ids = await Promise.all(tokens.map((token) => submit(token, [{ lines: { count: LINES } }])));
    await Promise.all(tokens.map((token, at) => account(token, ids[at] ?? '')));

    const followed = await submit('followed', [{ lines: { count: LINES, everyMs: 10 } }]);
    countLines(await follow(mcp, followed), LINES, cost);

    const endless = await submit('endless', [{ pause: 600_000 }]);
    const killed = await mcp.call<Facts>('kill_agent', { runId: endless, graceMs: 500 });
    check(killed.status === 'killed', 'a kill', killed);

    const asked = Date.now();
    const delayed = await submit('delayed', [{ now: true }], { delayMs: 1_000 });
    const started = Number(await follow(mcp, delayed));
    check(started - asked >= 950 && started - asked < 15_000, 'the start of a run delayed by 1000 ms', started - asked);

    const first = await submit('session', [{ print: `${JSON.stringify({ session_id: 's-1' })}\n` }]);
    await mcp.call('wait_agent', { runId: first });
    const resumed = await submit('resumed', [{ echoArguments: true }], { sessionId: 's-1' });
    const words = await follow(mcp, resumed);
    check(words === '["--resume","s-1"]\n', 'the arguments of a resumed run', words);

    const { runs } = await mcp.call<{ runs: { runId: string }[] }>('list_runs', { limit: 200 });
    const listed = new Set(runs.map(({ runId }) => runId));
    const made = [...ids, followed, endless, delayed, first, resumed];
    check(
      made.every((id) => listed.has(id)),
      'the list of runs',
      [...listed],
    );
    const swept = await mcp.call<Facts>('wait_agent', { runId: unplaced, timeoutMs: 20_000 });
    check(swept.status === 'done', 'a run that the sweep places', swept);
  }

  async function during(fault: () => Promise<void>): Promise<void> {
    const long = await submit('long', [{ lines: { count: 600, everyMs: 20 } }]);
    const following = follow(mcp, long);
    following.catch(() => {}); // looked at below
    const accepted = new Map<string, string>();
    let over = false;
    let after = 0;
    let last = performance.now();
    const happening = fault().then(() => {
      over = true;
    });
    happening.catch(() => {
      over = true;
    });
    const deadline = performance.now() + 60_000;
    for (let number = 1; after < 5; number += 1) {
      check(performance.now() < deadline, 'usable again within a minute', Object.fromEntries(accepted));
      const token = `t${number}`;
      for (;;) {
        const result = await submit(token, [{ lines: { count: LINES } }]).catch((error: Error) => error);
        if (typeof result === 'string') {
          accepted.set(token, result);
          break;
        }
        check(PASSING.includes((result as Error & { code: string }).code), 'an error', {
          ...result,
          message: result.message,
        });
        check(performance.now() < deadline, 'usable again within a minute', result.message);
        await pause(50);
      }
      cost.unusableMs = Math.max(cost.unusableMs, Math.round(performance.now() - last));
      last = performance.now();
      if (over) after += 1;
    }
    await happening;
    countLines(await following, 600, cost);
    for (const [token, id] of accepted) await account(token, id);
  }

  return {
    place,
    mcp,
    cost,
    all,
    during,
    async stop() {
      await mcp.close();
      await worker.end('SIGKILL');
      place.clean();
    },
  };
}
