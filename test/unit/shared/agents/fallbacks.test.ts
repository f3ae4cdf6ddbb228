import { describe, expect, test } from 'vitest';
import { attemptsOf, valuesFor } from '../../../../src/shared/agents/fallbacks.js';

describe('the further values of variables', () => {
  test.each([
    [undefined, 1],
    [{}, 1],
    [{ KEY: ['b'] }, 2],
    [{ KEY: ['b', 'c', 'd'], URL: ['y'] }, 4],
  ])('of %j make %i tries', (fallbacks, attempts) => {
    expect(attemptsOf(fallbacks)).toBe(attempts);
  });

  test.each([
    [1, {}],
    [2, { KEY: 'b', URL: 'y' }],
    [3, { KEY: 'c', URL: 'y' }],
    [4, { KEY: 'd', URL: 'y' }],
  ])('in try %i are those that belong together', (attempt, values) => {
    expect(valuesFor({ KEY: ['b', 'c', 'd'], URL: ['y'] }, attempt)).toEqual(values);
  });
});
