import { expect, test } from 'vitest';
import { createRecentEnds } from '../../../../src/worker/recover/recent-ends.js';

test('an end is known for as long as is asked, a minute at most', () => {
  let now = 0;
  const ends = createRecentEnds(
    () => 0,
    () => now,
  );
  ends.note('r1', 0);
  now = 4_999;
  expect([ends.has('r1', 5_000), ends.has('r2', 5_000)]).toEqual([true, false]);
  now = 5_000;
  expect([ends.has('r1', 5_000), ends.has('r1')]).toEqual([false, true]);
  now = 60_000;
  expect(ends.has('r1')).toBe(false);
});

test('an end is not relied on when Redis was away since, which may have forgotten it', () => {
  let interruptions = 3;
  const ends = createRecentEnds(() => interruptions);
  ends.note('r1', 3);
  expect(ends.has('r1')).toBe(true);
  interruptions += 1;
  expect(ends.has('r1')).toBe(false);
});

test('an end that was sent before Redis was away is not relied on, though its answer came after', () => {
  const ends = createRecentEnds(() => 4);
  ends.note('r1', 3);
  expect(ends.has('r1')).toBe(false);
});
