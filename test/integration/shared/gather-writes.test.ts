import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { gatherWrites } from '../../../src/shared/redis/gather-writes.js';
import { cleanUpAfterEach } from '../../support/beginnings.js';
import { startRedis } from '../../support/redis-server.js';

const cleanUp = cleanUpAfterEach();

const AT_ONCE = 50;

/** A connection to a server of its own, and how many times that server has read from anybody. */
async function connection(): Promise<{ redis: Redis; reads: () => Promise<number> }> {
  const server = await startRedis();
  cleanUp.push(() => server.stop());
  const redis = new Redis({ path: server.url.slice('unix://'.length), retryStrategy: () => 20 });
  cleanUp.push(() => redis.disconnect());
  gatherWrites(redis);
  await new Promise((resolve) => redis.once('ready', resolve));
  return {
    redis,
    reads: async () => Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))?.[1]),
  };
}

const setAll = (redis: Redis) => Promise.all(Array.from({ length: AT_ONCE }, (_, at) => redis.set('k', at)));

test('what is sent in one turn is read by Redis at once, in its order, also after the connection was made anew', async () => {
  const { redis, reads } = await connection();
  for (const isAgain of [false, true]) {
    if (isAgain) {
      redis.stream.destroy();
      await new Promise((resolve) => redis.once('ready', resolve));
    }
    const before = await reads();
    expect(await setAll(redis)).toEqual(Array(AT_ONCE).fill('OK'));
    expect((await reads()) - before).toBe(2); // with the question itself
    expect(await redis.get('k')).toBe(String(AT_ONCE - 1));
  }
});

test('what is sent in a turn whose connection breaks is not lost', async () => {
  const { redis } = await connection();
  const set = setAll(redis);
  redis.stream.destroy();
  expect(await set).toEqual(Array(AT_ONCE).fill('OK'));
  expect(await redis.get('k')).toBe(String(AT_ONCE - 1));
});
