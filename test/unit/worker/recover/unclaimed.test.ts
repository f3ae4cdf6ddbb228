import { expect, test } from 'vitest';
import { createUnclaimed, UNCLAIMED_MS } from '../../../../src/worker/recover/unclaimed.js';

/** Looks at times (ms), each with what it found and how often the connection had been lost; answers the last. */
function after(...looks: readonly (readonly [at: number, found: readonly string[], interruptions?: number])[]) {
  let now = 0;
  const unclaimed = createUnclaimed(() => now);
  let answer: readonly string[] = [];
  for (const [at, found, interruptions = 0] of looks) {
    now = at;
    answer = unclaimed.afterLook(found, interruptions);
  }
  return answer;
}

test('a spool is removed that no record has claimed for half a minute', () => {
  expect(after([5, ['r1']], [UNCLAIMED_MS + 4, ['r1']])).toEqual([]);
  expect(after([5, ['r1']], [UNCLAIMED_MS + 5, ['r1', 'r2']])).toEqual(['r1']);
});

test('a look that finds its record begins the wait anew', () => {
  expect(after([0, ['r1']], [UNCLAIMED_MS - 1, []], [UNCLAIMED_MS, ['r1']])).toEqual([]);
});

test('so does a loss of the connection, after which another server may answer', () => {
  expect(after([0, ['r1'], 3], [UNCLAIMED_MS, ['r1'], 4])).toEqual([]);
  expect(after([0, ['r1'], 3], [10, ['r1'], 4], [UNCLAIMED_MS + 9, ['r1'], 4])).toEqual([]);
  expect(after([0, ['r1'], 3], [10, ['r1'], 4], [UNCLAIMED_MS + 10, ['r1'], 4])).toEqual(['r1']);
});
