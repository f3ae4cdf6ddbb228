import { expect, it } from 'vitest';
import { createShareTurns } from '../../../../src/worker/claim/share-turns.js';

it('a few runs over a share are looked at again in a second, many one after the other, and each principal by itself', () => {
  let now = 0;
  const turns = createShareTurns(() => now);
  expect(turns.delayMs('ann')).toBe(1_000);
  expect([turns.delayMs('ann'), turns.delayMs('ann')]).toEqual([1_100, 1_200]);
  expect(turns.delayMs('bob')).toBe(1_000);
  now = 1_150;
  expect(turns.delayMs('ann')).toBe(1_000); // 2,150, which is more than a tenth of a second after 1,200
  for (let asked = 0; asked < 9_999; asked += 1) turns.delayMs('ann');
  expect(turns.delayMs('ann')).toBe(1_000 + 10_000 * 100);
  now += 2_000_000;
  expect(turns.delayMs('ann')).toBe(1_000);
});
