import { expect, test } from 'vitest';
import { limitInWords, limitOf } from '../../../src/client/runner-limits.js';

const three = { limits: { claude: { atOnce: 3, startsPerMinute: 20 } } };
const five = { limits: { claude: { atOnce: 5 }, demo: { atOnce: 1 } } };

test.each([
  ['one worker', [three], { atOnce: 3, startsPerMinute: 20 }],
  ['two that keep to different ones', [three, five], { atOnce: 5 }],
  ['one that keeps to none', [three, {}], undefined],
  ['a release before', [{}], undefined],
  ['nobody', [], undefined],
])('the limit that %s keep to', (_, workers, limit) => {
  expect(limitOf('claude', workers)).toEqual(limit);
});

test('no runner has the limit of a name that every object has', () => {
  expect(limitOf('constructor', [three])).toBeUndefined();
});

test('a limit is told in one line', () => {
  const none = { used: 0, most: 0 };
  expect(limitInWords({ runner: 'claude', atOnce: { used: 2, most: 3 }, startsLastMinute: none })).toBe(
    '2 of 3 at once in the whole pool',
  );
  expect(limitInWords({ runner: 'claude', atOnce: none, startsLastMinute: { used: 4, most: 20 } })).toBe(
    '4 of 20 starts in the last minute',
  );
});
