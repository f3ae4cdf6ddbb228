import type { RedisClient } from '../redis/connect.js';
import type { Run } from '../run.js';
import { isEnded } from '../run-state.js';
import type { RunScripts } from './scripts.js';

/** Waiters that a crash left behind are forgotten after this (ms): no run takes longer. */
const FORGET_MS = 31 * 24 * 60 * 60_000;

/** What a run has to do with sessions. */
export type SessionUser = Pick<Run, 'id' | 'runner' | 'sessionId' | 'resumes'>;

/** Called with a queued run that now holds a session, because the run that held it before has ended. */
export type SessionListener = (next: Run) => Promise<void>;

/**
 * Locks on sessions, so that two programs never write one conversation. Each is a list of run ids, the first of which
 * holds the session until its end; the others wait. The record says who has ended: what a crash leaves is passed over.
 */
export interface SessionLocks {
  /** Waits for the session that the run resumes. Answers the run that holds it; undefined: this one does. */
  lock(run: SessionUser): Promise<string | undefined>;
  /** The run that a queued one waits for, because it holds its session; undefined when the session is free. */
  holder(run: SessionUser & Pick<Run, 'state'>): Promise<string | undefined>;
  /** A running program has reported which session it uses: from now on it holds it, even if other runs wait for it. */
  hold(runner: string, sessionId: string, id: string): Promise<void>;
  /** Releases every lock at the end of a run, however it ended, and calls the listeners with the next holder. */
  release(run: SessionUser): Promise<void>;
  onFree(listener: SessionListener): void;
}

/** Opens the session locks; `get` reads a record. */
export function openSessionLocks(
  redis: RedisClient & RunScripts,
  prefix: string,
  get: (id: string) => Promise<Run | undefined>,
): SessionLocks {
  const waitersOf = (runner: string, sessionId: string) => `${prefix}:session-line:${runner}:${sessionId}`;
  const listeners: SessionListener[] = [];

  async function isGone(id: string): Promise<boolean> {
    const run = await get(id);
    return !run || isEnded(run.state);
  }

  /** Takes a run out of a lock; the listeners are called if the new holder is queued. */
  async function leave(waiters: string, id: string): Promise<void> {
    if ((await redis.zrem(waiters, id)) === 0) return;
    for (;;) {
      const [first] = await redis.zrange(waiters, '0', '0');
      if (first === undefined) return;
      const next = await get(first);
      if (next?.state === 'queued') await Promise.all(listeners.map((listener) => listener(next)));
      if (next && !isEnded(next.state)) return;
      await redis.zrem(waiters, first);
    }
  }

  return {
    async lock({ id, runner, resumes }) {
      if (resumes === undefined) return undefined;
      const waiters = waitersOf(runner, resumes);
      for (;;) {
        const first = await redis.joinSession(waiters, id, FORGET_MS);
        if (first === id) return undefined;
        if (!(await isGone(first))) return first;
        await redis.zrem(waiters, first);
      }
    },
    async holder({ id, runner, state, resumes }) {
      if (state !== 'queued' || resumes === undefined) return undefined;
      const [first] = await redis.zrange(waitersOf(runner, resumes), '0', '0');
      return first === undefined || first === id || (await isGone(first)) ? undefined : first;
    },
    async hold(runner, sessionId, id) {
      await redis.holdSession(waitersOf(runner, sessionId), id, FORGET_MS);
    },
    async release({ id, runner, sessionId, resumes }) {
      for (const session of new Set([sessionId, resumes]))
        if (session !== undefined) await leave(waitersOf(runner, session), id);
    },
    onFree: (listener) => void listeners.push(listener),
  };
}
