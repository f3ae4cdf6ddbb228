import { expect, test } from 'vitest';
import { createToldNames } from '../../../../src/shared/redis/told-names.js';

test('a name is told once a minute, and again when it may have been taken out', () => {
  let now = 0;
  const names = createToldNames(undefined, () => now);
  expect(names.untold(['a', 'b'])).toEqual(['a', 'b']);
  names.told(['a']);
  expect(names.untold(['a', 'b'])).toEqual(['b']);
  now = 59_999;
  expect(names.untold(['a'])).toEqual([]);
  now = 60_000;
  expect(names.untold(['a'])).toEqual(['a']);
  names.told(['a']);
  names.forget('a');
  expect(names.untold(['a'])).toEqual(['a']);
});

test('a name is told again before what it stands for can be gone', () => {
  let now = 0;
  const names = createToldNames(1_000, () => now);
  names.told(['a']);
  now = 499;
  expect(names.untold(['a'])).toEqual([]);
  now = 500;
  expect(names.untold(['a'])).toEqual(['a']);
});
