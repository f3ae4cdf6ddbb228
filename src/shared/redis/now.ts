import type { RedisClient } from './connect.js';

/** The time of the Redis server (ms since the epoch): the one clock of a pool. */
export async function serverNow(redis: RedisClient): Promise<number> {
  const [seconds, micros] = (await redis.time()).map(Number);
  return (seconds ?? 0) * 1000 + Math.floor((micros ?? 0) / 1000);
}
