import { expect, it } from 'vitest';
import { createSpread } from '../../../../src/worker/claim/spread.js';

const QUEUE = 'runs.demo';
/** The longest delay after so many questions in vain (ms). */
function longestAfter(inVain: number, found = 0): number {
  const spread = createSpread(() => 0.999_999);
  for (let asked = 0; asked < inVain; asked += 1) spread.asked(QUEUE, false);
  for (let asked = 0; asked < found; asked += 1) spread.asked(QUEUE, true);
  return spread.delayMs(QUEUE);
}

it('does not make a worker wait that is alone, or beside one other', () => {
  expect([longestAfter(0), longestAfter(1), longestAfter(2)]).toEqual([0, 0, 0]);
});

it('makes it wait the longer the more often it came too late, and not longer than 100 ms', () => {
  expect([longestAfter(12), longestAfter(100), longestAfter(1_000)]).toEqual([5, 49, 99]);
});

it('forgets half of that with each job, and knows each queue by itself', () => {
  expect([longestAfter(100, 1), longestAfter(100, 3), longestAfter(100, 10)]).toEqual([24, 5, 0]);
  const spread = createSpread(() => 0.999_999);
  for (let asked = 0; asked < 50; asked += 1) spread.asked(QUEUE, false);
  expect(spread.delayMs('runs.other')).toBe(0);
});

it('lets one of many ask nearly at once', () => {
  const workers = Array.from({ length: 1_000 }, () => createSpread());
  for (const worker of workers) for (let asked = 0; asked < 300; asked += 1) worker.asked(QUEUE, false);
  const delays = workers.map((worker) => worker.delayMs(QUEUE)).sort((a, b) => a - b);
  expect(delays[0]).toBeLessThan(5);
  expect(delays.filter((ms) => ms < 10).length).toBeLessThan(300);
});

it('lets all others come first for half a minute after it has left a job to them', () => {
  let now = 0;
  const spread = createSpread(
    () => 0.999_999,
    () => now,
  );
  for (let asked = 0; asked < 1_000; asked += 1) spread.asked(QUEUE, false);
  const longest = spread.delayMs(QUEUE);
  spread.stepBack(QUEUE);
  spread.asked(QUEUE, true);
  expect(spread.delayMs(QUEUE)).toBeGreaterThan(longest);
  expect(spread.delayMs('runs.other')).toBe(0);
  now = 30_000;
  expect(spread.delayMs(QUEUE)).toBeLessThan(longest);
});
