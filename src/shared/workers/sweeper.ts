import type { RedisClient } from '../redis/connect.js';
import { withScripts } from '../redis/scripts.js';

/** Its file says what it does. */
interface SweepScripts {
  takeSweep(place: string, worker: string, stale: string): Promise<string>;
}

/** Who sweeps for the whole pool, as it is known in Redis. */
export interface Sweeper {
  /** Who it is: its id, a space and a number; empty when the place is free. */
  readonly place: string;
  /** Another one after each of its heartbeats; absent where it is this worker, or is not in the register. */
  readonly sign?: string;
}

/** The place of the worker that sweeps for the whole pool; `beats` is when each worker was heard. */
export function openSweeper(client: RedisClient, key: string, beats: string) {
  const redis = withScripts<SweepScripts>(client, new URL('./scripts/', import.meta.url), {
    takeSweep: 'take-sweep.lua',
  });
  return {
    /** Who sweeps for the whole pool, as seen by a worker. */
    async sweeper(worker: string): Promise<Sweeper> {
      const place = (await redis.get(key)) ?? '';
      const [holder = ''] = place.split(' ');
      const beat = holder === '' || holder === worker ? null : await redis.zscore(beats, holder);
      return { place, ...(beat !== null && { sign: String(beat) }) };
    },
    /** Takes the place of the worker that sweeps when it is free or still is `stale`; answers whose it is then. */
    takeSweep: (worker: string, stale: string): Promise<string> => redis.takeSweep(key, worker, stale),
    /** The place of the worker that sweeps is free, if it was this one's. */
    async leaveSweep(worker: string): Promise<void> {
      if ((await redis.get(key))?.startsWith(`${worker} `)) await redis.del(key);
    },
  };
}
