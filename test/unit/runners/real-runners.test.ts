import { expect, test } from 'vitest';
import { RUNNERS } from '../../../src/shared/runners/list.js';
import { REAL_RUNNERS } from '../../clis/real-runners.js';

test('the suite against the real programs has every built-in runner, in the version that doctor calls tested', () => {
  const told = RUNNERS.filter(({ name }) => name !== 'demo').map(({ name, testedVersion }) => [name, testedVersion]);
  const tried = REAL_RUNNERS.map(({ name, standIn, version }) => [name, standIn ? undefined : version]);
  expect(tried).toEqual(told);
});
