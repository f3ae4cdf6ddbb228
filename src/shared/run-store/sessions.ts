import { LOCAL } from '../principal.js';
import type { RedisClient } from '../redis/connect.js';
import type { Usage } from '../run.js';

/** A conversation of a CLI: it can be resumed only on its host, in its directory and with its home. */
export interface Session {
  readonly id: string;
  readonly runner: string;
  readonly agentName: string;
  /** Whose run began it; absent: LOCAL's. */
  readonly principal?: string;
  readonly host: string;
  readonly path: string;
  readonly home: string;
  /** Absent: it was begun outside of this pool. */
  readonly runId?: string;
}

/** What a session had taken when a run of it began and when it ended. */
interface Spending {
  readonly runId: string;
  readonly before?: Usage;
  readonly total: Usage;
}

/** The memory of sessions, by runner and id, and the latest by principal, agent name and runner. */
export interface Sessions {
  /** Remembers a session from the moment its id is known. */
  remember(session: Session): Promise<void>;
  /** Remembers a session from outside unless it, or a later one of its agent, is known; `ageMs` of its time are over. */
  adopt(session: Session, ageMs: number): Promise<'remembered' | 'known' | 'too old'>;
  find(runner: string, id: string): Promise<Session | undefined>;
  latest(principal: string, agentName: string, runner: string): Promise<Session | undefined>;
  /**
   * Remembers what a session has taken by the end of a run; answers what it had taken before that run, where that is
   * known. The same run may ask twice: its end may have to be recorded again.
   */
  spend(runner: string, id: string, runId: string, total: Usage): Promise<Usage | undefined>;
}

/** Opens the memory of sessions; each is kept for `retentionMs` after it was last used. */
export function openSessions(redis: RedisClient, prefix: string, retentionMs: number): Sessions {
  const byId = (runner: string, id: string) => `${prefix}:session:${runner}:${id}`;
  const usageOf = (runner: string, id: string) => `${prefix}:session-usage:${runner}:${id}`;
  const latest = (principal: string, agentName: string, runner: string) =>
    `${prefix}:latest-session:${encodeURIComponent(principal)}:${agentName}:${runner}`;
  async function find(runner: string, id: string): Promise<Session | undefined> {
    const text = await redis.get(byId(runner, id));
    return text === null ? undefined : (JSON.parse(text) as Session);
  }

  return {
    find,
    async remember(session) {
      const { runner, id, agentName, principal = LOCAL.name } = session;
      await redis.set(byId(runner, id), JSON.stringify(session), 'PX', retentionMs);
      await redis.set(latest(principal, agentName, runner), id, 'PX', retentionMs);
    },
    async adopt(session, ageMs) {
      const { runner, id, agentName, principal = LOCAL.name } = session;
      const left = Math.floor(retentionMs - Math.max(0, ageMs));
      if (left <= 0) return 'too old';
      const added = await redis.set(byId(runner, id), JSON.stringify(session), 'PX', left, 'NX');
      await redis.set(latest(principal, agentName, runner), id, 'PX', left, 'NX');
      return added === 'OK' ? 'remembered' : 'known';
    },
    async spend(runner, id, runId, total) {
      const key = usageOf(runner, id);
      const text = await redis.get(key);
      const last = text === null ? undefined : (JSON.parse(text) as Spending);
      const before = last?.runId === runId ? last.before : last?.total;
      const spending: Spending = { runId, total, ...(before && { before }) };
      await redis.set(key, JSON.stringify(spending), 'PX', retentionMs);
      return before;
    },
    async latest(principal, agentName, runner) {
      const id = await redis.get(latest(principal, agentName, runner));
      return id === null ? undefined : find(runner, id);
    },
  };
}
