import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { ListPosition } from '../../../../src/shared/run-store/index-pages.js';
import { type MetEntry, meetIndexes } from '../../../../src/shared/run-store/meet-indexes.js';
import { withRunScripts } from '../../../../src/shared/run-store/scripts.js';

const redis = withRunScripts(new Redis(inject('redisUrl').replace('unix://', '')));
const [all, even, third] = ['meet:all', 'meet:even', 'meet:third'] as const;
/** In groups of seven of the same millisecond. */
const entries = Array.from({ length: 1_000 }, (_, at) => ({
  id: `id${String((at * 37) % 1_000).padStart(4, '0')}`,
  queuedAt: 1_000 + Math.floor(at / 7),
  at,
}));
const newestFirst = [...entries].sort((a, b) => b.queuedAt - a.queuedAt || (a.id < b.id ? 1 : -1));

beforeAll(async () => {
  for (const { id, queuedAt, at } of entries) {
    await redis.zadd(all, queuedAt, id);
    if (at % 2 === 0) await redis.zadd(even, queuedAt, id);
    if (at % 3 === 0) await redis.zadd(third, 2 ** 41 + at, id);
  }
});
afterAll(async () => {
  await redis.del(all, even, third);
  redis.disconnect();
});

async function stretches(since: number, count: number): Promise<MetEntry[][]> {
  const found: MetEntry[][] = [];
  for (let after: ListPosition | undefined; ; ) {
    const { met, last } = await meetIndexes(
      redis,
      { read: all, others: [even], tell: [all, third] },
      { after, since, count },
    );
    found.push(met);
    if (!last) return found;
    after = last;
  }
}

it.each([1, 5, 7, 300, 1_000, 4_000])(
  'are all found where they meet, in their order, in stretches of %d',
  async (count) => {
    for (const since of [0, 1_100]) {
      const expected = newestFirst
        .filter(({ at, queuedAt }) => at % 2 === 0 && queuedAt >= since)
        .map(({ id, queuedAt, at }) => ({ id, told: [queuedAt, at % 3 === 0 ? 2 ** 41 + at : undefined] }));
      const found = await stretches(since, count);
      expect(found.flat()).toEqual(expected);
      expect(Math.max(...found.map(({ length }) => length))).toBeLessThanOrEqual(count);
    }
  },
);

it('are none where an index is empty', async () => {
  const asked = { read: 'meet:nothing', others: [all], tell: [] };
  expect(await meetIndexes(redis, asked, { after: undefined, since: 0, count: 10 })).toEqual({
    met: [],
    last: undefined,
  });
});
