import type { RedisClient } from '../redis/connect.js';
import { serverNow } from '../redis/now.js';
import { withScripts } from '../redis/scripts.js';

const MINUTE_MS = 60_000;

/** What the whole pool may do with one runner; absent: no limit. */
export interface RunnerLimit {
  readonly atOnce?: number | undefined;
  readonly startsPerMinute?: number | undefined;
}

/** How much of that is in use. */
export interface PermitUse {
  readonly running: number;
  readonly startsLastMinute: number;
  /** When the oldest of those starts is a minute old (Redis server milliseconds); absent without one. */
  readonly oldestStartOverAt?: number;
}

/** The answer to a request for a permit: granted; the limit of running runs is reached; or the next may start in this many milliseconds. */
export type Permitted = 'yes' | 'full' | { readonly againMs: number };

/**
 * Permits to run a runner, for limits of the whole pool. A permit belongs to a run, and is kept alive by its worker: that of a
 * worker that died runs out. Every method may throw when Redis is unreachable.
 */
export interface Permits {
  take(runner: string, runId: string, limit: RunnerLimit, lastsMs: number): Promise<Permitted>;
  /** Keeps the permits of these runs for this long (ms) from now, whether they had one or not. */
  keep(runner: string, runIds: readonly string[], lastsMs: number): Promise<void>;
  /** Returns a permit and notifies the workers; with `unstarted`, it does not count as a start either. */
  release(runner: string, runId: string, unstarted: boolean): Promise<void>;
  use(runner: string): Promise<PermitUse>;
}

interface PermitScripts {
  takePermit(running: string, starts: string, ...rest: (string | number)[]): Promise<number>;
  keepPermits(running: string, lastsMs: number, ...runIds: string[]): Promise<number>;
}

/** `limitsOf` is what the keys of a runner begin with; `tellRoom` tells the workers that offer it. */
export function openPermits(
  client: RedisClient,
  limitsOf: (runner: string) => string,
  tellRoom: (runner: string) => Promise<unknown>,
): Permits {
  const redis: RedisClient & PermitScripts = withScripts<PermitScripts>(
    client,
    new URL('./scripts/', import.meta.url),
    { takePermit: 'take-permit.lua', keepPermits: 'keep-permits.lua' },
  );
  const keysOf = (runner: string) => [`${limitsOf(runner)}:running`, `${limitsOf(runner)}:starts`] as const;
  return {
    async take(runner, runId, { atOnce = 0, startsPerMinute = 0 }, lastsMs) {
      const answer = await redis.takePermit(...keysOf(runner), runId, atOnce, startsPerMinute, lastsMs);
      if (answer === 0) return 'yes';
      return answer < 0 ? 'full' : { againMs: answer };
    },
    async keep(runner, runIds, lastsMs) {
      if (runIds.length > 0) await redis.keepPermits(keysOf(runner)[0], lastsMs, ...runIds);
    },
    async release(runner, runId, unstarted) {
      const [running, starts] = keysOf(runner);
      const [had] = await Promise.all([redis.zrem(running, runId), unstarted ? redis.zrem(starts, runId) : 0]);
      if (had === 1) await tellRoom(runner);
    },
    async use(runner) {
      const [running, starts] = keysOf(runner);
      const now = await serverNow(redis);
      const since = `(${now - MINUTE_MS}`;
      const [held, started, [, oldest]] = await Promise.all([
        redis.zcount(running, `(${now}`, '+inf'),
        redis.zcount(starts, since, '+inf'),
        redis.zrangebyscore(starts, since, '+inf', 'WITHSCORES', 'LIMIT', 0, 1),
      ]);
      return {
        running: held,
        startsLastMinute: started,
        ...(oldest !== undefined && { oldestStartOverAt: Number(oldest) + MINUTE_MS }),
      };
    },
  };
}
