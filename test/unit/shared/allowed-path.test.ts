import { expect, test } from 'vitest';
import { isWithin } from '../../../src/shared/allowed-path.js';

test.each([
  ['/a', ['/a'], true],
  ['/a/b', ['/a'], true],
  ['/a/b/c', ['/x', '/a/b'], true],
  ['/a/', ['/a'], true],
  ['/anything', ['/'], true],
  ['/', ['/'], true],
  ['/a/b', ['/a/'], true],
  ['/', ['/a'], false],
  ['/ab', ['/a'], false],
  ['/a', ['/a/b'], false],
  ['/A/b', ['/a'], false],
  ['a/b', ['/a'], false],
  ['/a', [], false],
  ['', ['/a'], false],
])('%s lies within %j: %s', (path, directories, within) => {
  expect(isWithin(path, directories)).toBe(within);
});
