import { expect, test } from 'vitest';
import { openRateLimit } from '../../../src/http/rate-limit.js';

function limitAt(perSecond: number) {
  let now = 0;
  const limit = openRateLimit(perSecond, () => now);
  const pass = (ms: number) => {
    now += ms;
  };
  return { take: limit.take, pass };
}

test('twenty seconds of the rate may come at once, and no more', () => {
  const { take } = limitAt(2);
  for (let asked = 0; asked < 40; asked += 1) expect(take('ann')).toBe(0);
  expect(take('ann')).toBe(1);
});

test('what is refused costs nothing, and the answer says when there is enough again', () => {
  const { take, pass } = limitAt(2);
  expect(take('ann', 40)).toBe(0);
  expect(take('ann', 5)).toBe(3);
  expect(take('ann', 5)).toBe(3);
  pass(2_500);
  expect(take('ann', 5)).toBe(0);
  expect(take('ann')).toBe(1);
});

test('one name takes nothing from another', () => {
  const { take } = limitAt(1);
  expect(take('ann', 20)).toBe(0);
  expect(take('ann')).toBe(1);
  expect(take('bob', 20)).toBe(0);
});

test('a bucket fills up to its size only', () => {
  const { take, pass } = limitAt(1);
  take('ann');
  pass(3_600_000);
  expect(take('ann', 20)).toBe(0);
  expect(take('ann')).toBe(1);
});
