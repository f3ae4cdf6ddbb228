import type { RedisClient } from '../redis/connect.js';
import type { Run } from '../run.js';
import { isEnded } from '../run-state.js';

/** A line of which a crash left something behind is forgotten after this (ms): no run takes longer. */
const FORGET_MS = 31 * 24 * 60 * 60_000;

/** KEYS line · ARGV run, time to live · joins at the end, once; answers the first, whose turn it is. */
const JOIN = `
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('ZADD', KEYS[1], 'NX', last[2] and last[2] + 1 or 0, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, 0)[1]`;

/** KEYS line · ARGV run, time to live · goes to the front: its program uses the session already. */
const HOLD = `
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[1] ~= ARGV[1] then redis.call('ZADD', KEYS[1], first[2] and first[2] - 1 or 0, ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`;

/** What a run has to do with sessions. */
type InLine = Pick<Run, 'id' | 'runner' | 'sessionId' | 'resumes'>;

/**
 * Whose turn it is on a session: a line of run ids for each, the first of which may use it until its end, so that two
 * programs never write one conversation. The record says who has ended; what a crash leaves in a line is passed over.
 */
export function openSessionLocks(
  redis: RedisClient,
  prefix: string,
  get: (id: string) => Promise<Run | undefined>,
  promote: (runId: string, queue: string) => Promise<void>,
) {
  const line = (runner: string, sessionId: string) => `${prefix}:session-line:${runner}:${sessionId}`;
  const isGone = async (id: string) => {
    const run = await get(id);
    return !run || isEnded(run.state);
  };

  /** Takes a run out of a line; the one whose turn it is then, and which waits, is promoted. */
  async function step(key: string, id: string): Promise<void> {
    if ((await redis.zrem(key, id)) === 0) return;
    for (;;) {
      const [first] = await redis.zrange(key, '0', '0');
      if (first === undefined) return;
      const next = await get(first);
      if (next?.state === 'queued') await promote(next.id, next.queue);
      if (next && !isEnded(next.state)) return;
      await redis.zrem(key, first);
    }
  }

  return {
    /** Gets into the line of the session that the run resumes. Answers the run that is waited for; undefined: go. */
    async lockSession({ id, runner, resumes }: InLine): Promise<string | undefined> {
      if (resumes === undefined) return undefined;
      const key = line(runner, resumes);
      for (;;) {
        const first = String(await redis.eval(JOIN, 1, key, id, FORGET_MS));
        if (first === id) return undefined;
        if (!(await isGone(first))) return first;
        await redis.zrem(key, first);
      }
    },

    /** The run that a queued one waits for, because it has its session; undefined when there is none. */
    async sessionHolder({ id, runner, state, resumes }: InLine & Pick<Run, 'state'>): Promise<string | undefined> {
      if (state !== 'queued' || resumes === undefined) return undefined;
      const [first] = await redis.zrange(line(runner, resumes), '0', '0');
      return first === undefined || first === id || (await isGone(first)) ? undefined : first;
    },

    /** A running program has told which session it uses: nobody else may from here on. */
    async holdSession(runner: string, sessionId: string, id: string): Promise<void> {
      await redis.eval(HOLD, 1, line(runner, sessionId), id, FORGET_MS);
    },

    /** Leaves every line at the end of a run, however it ended. */
    async releaseSessions({ id, runner, sessionId, resumes }: InLine): Promise<void> {
      for (const session of new Set([sessionId, resumes]))
        if (session !== undefined) await step(line(runner, session), id);
    },
  };
}
