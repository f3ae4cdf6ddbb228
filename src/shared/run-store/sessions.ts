import type { RedisClient } from '../redis/connect.js';

/** A conversation of a CLI: it can be resumed only on its host, in its directory and with its home. */
export interface Session {
  readonly id: string;
  readonly runner: string;
  readonly agentName: string;
  readonly host: string;
  readonly path: string;
  readonly home: string;
  readonly runId: string;
}

/** The memory of sessions, by runner and id, and the latest by agent name and runner. */
export function openSessions(redis: RedisClient, prefix: string, retentionMs: number) {
  const byId = (runner: string, id: string) => `${prefix}:session:${runner}:${id}`;
  const latest = (agentName: string, runner: string) => `${prefix}:latest-session:${agentName}:${runner}`;
  return {
    /** Remembers a session from the moment its id is known. */
    async remember(session: Session): Promise<void> {
      const { runner, id, agentName } = session;
      await redis.set(byId(runner, id), JSON.stringify(session), 'PX', retentionMs);
      await redis.set(latest(agentName, runner), id, 'PX', retentionMs);
    },
    async find(runner: string, id: string): Promise<Session | undefined> {
      const text = await redis.get(byId(runner, id));
      return text === null ? undefined : (JSON.parse(text) as Session);
    },
    async latest(agentName: string, runner: string): Promise<Session | undefined> {
      const id = await redis.get(latest(agentName, runner));
      return id === null ? undefined : this.find(runner, id);
    },
  };
}
export type Sessions = ReturnType<typeof openSessions>;
