import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Pool } from '../../../../src/shared/pool.js';
import { runnerQueue } from '../../../../src/shared/queues/route.js';
import { connect, makePlace, type Place } from '../../../support/pool.js';
import { eventually } from '../../../support/processes.js';

const LONG_MS = 600_000;
let place: Place;
let pools: Pool[];
let pool: Pool;

beforeEach(async () => {
  place = makePlace();
  pools = await Promise.all([connect(place), connect(place), connect(place)]);
  pool = pools[0] as Pool;
});
afterEach(async () => {
  await Promise.all(pools.map((one) => one.stop()));
  place.clean();
});

const take = (run: string, limit = { atOnce: 2 } as object, lastsMs = LONG_MS) =>
  pool.queues.permits.take('claude', run, limit, lastsMs);

test('of many that ask at once, over several connections, as many get a permit as there are', async () => {
  const asked = Array.from({ length: 60 }, (_, at) =>
    pools[at % 3]?.queues.permits.take('claude', `r${at}`, { atOnce: 7 }, LONG_MS),
  );
  const answers = await Promise.all(asked);
  expect(answers.filter((one) => one === 'yes')).toHaveLength(7);
  expect(answers.filter((one) => one === 'full')).toHaveLength(53);
  expect(await pool.queues.permits.use('claude')).toMatchObject({ running: 7, startsLastMinute: 7 });
});

test('a run that asks twice has one, another runner has its own, and what is given back is there for the next, who is told', async () => {
  let told = 0;
  const listening = pool.queues.onPlaced(
    runnerQueue('claude'),
    () => {},
    (what) => {
      if (what === 'room') told += 1;
    },
  );
  const stop = await listening;
  expect([await take('a'), await take('a'), await take('b'), await take('c')]).toEqual(['yes', 'yes', 'yes', 'full']);
  expect(await pool.queues.permits.take('gemini', 'd', { atOnce: 1 }, LONG_MS)).toBe('yes');
  await pool.queues.permits.release('claude', 'a', false);
  await pool.queues.permits.release('claude', 'a', false);
  expect([await take('c'), await take('a')]).toEqual(['yes', 'full']);
  await eventually(() => told === 1);
  stop();
});

test('that of a worker that keeps none alive runs out, those that are kept do not, and one that ran out comes back', async () => {
  expect([await take('dead', undefined, 50), await take('kept', undefined, 50)]).toEqual(['yes', 'yes']);
  await pool.queues.permits.keep('claude', ['kept'], LONG_MS);
  await eventually(async () => (await take('next')) === 'yes');
  expect(await take('other')).toBe('full');
  await pool.queues.permits.keep('claude', ['dead'], LONG_MS); // its worker was only paused: its program runs all the same
  expect(await pool.queues.permits.use('claude')).toMatchObject({ running: 3 });
  await pool.queues.permits.release('claude', 'next', false);
  expect(await take('other')).toBe('full');
});

test('only so many are started within a minute; the next is told when, and what was not started does not count', async () => {
  const limit = { startsPerMinute: 2 };
  expect([await take('a', limit), await take('b', limit)]).toEqual(['yes', 'yes']);
  await pool.queues.permits.release('claude', 'a', false); // it has ended, and counts
  const later = await take('c', limit);
  expect(later).toMatchObject({ againMs: expect.any(Number) });
  const { againMs } = later as { againMs: number };
  expect(againMs).toBeGreaterThan(50_000);
  expect(againMs).toBeLessThanOrEqual(60_000);
  await pool.queues.permits.release('claude', 'b', true);
  expect(await take('c', limit)).toBe('yes');
  const use = await pool.queues.permits.use('claude');
  expect(use).toMatchObject({ running: 1, startsLastMinute: 2 });
  expect(use.oldestStartOverAt).toBeGreaterThan(await pool.runs.now());
});
