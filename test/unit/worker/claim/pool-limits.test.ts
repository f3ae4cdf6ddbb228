import { expect, test } from 'vitest';
import { limitsFrom } from '../../../../src/worker/claim/pool-limits.js';

test.each([
  [{}, {}, {}],
  [{ claude: 3 }, {}, { claude: { atOnce: 3 } }],
  [{ claude: 3 }, { demo: 9 }, { claude: { atOnce: 3 }, demo: { startsPerMinute: 9 } }],
  [{ claude: 3 }, { claude: 20 }, { claude: { atOnce: 3, startsPerMinute: 20 } }],
])('the settings %j and %j are the limits %j', (poolConcurrency, startsPerMinute, limits) => {
  expect(limitsFrom({ poolConcurrency, startsPerMinute })).toEqual(limits);
});
