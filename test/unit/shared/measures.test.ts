import { describe, expect, test } from 'vitest';
import { count, counted, duration, size } from '../../../src/shared/measures.js';
import { seeded } from '../../support/random.js';

const KIB = 1_024;
const MIB = 1_024 * KIB;
const GIB = 1_024 * MIB;

describe('a length of time', () => {
  test.each([
    [-250, '0 ms'],
    [0, '0 ms'],
    [0.4, '0 ms'],
    [999, '999 ms'],
    [999.5, '1.0 s'],
    [1_000, '1.0 s'],
    [1_449, '1.4 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 0 s'],
    [60_000, '1 min 0 s'],
    [119_499, '1 min 59 s'],
    [119_500, '2 min 0 s'],
    [3_599_499, '59 min 59 s'],
    [3_599_500, '1 h 0 min'],
    [3_600_000, '1 h 0 min'],
    [7_169_999, '1 h 59 min'],
    [7_170_000, '2 h 0 min'],
    [86_369_999, '23 h 59 min'],
    [86_370_000, '1 d 0 h'],
    [90_000_000, '1 d 1 h'],
  ])('of %d ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test('never has 60 seconds, 60 minutes or 1000 ms', () => {
    const random = seeded(51);
    for (let round = 0; round < 5_000; round += 1) {
      const text = duration(random.next() * 10 ** random.whole(2, 8));
      expect(text).toMatch(
        /^(\d{1,3} ms|[1-5]?\d\.\d s|[1-5]?\d min [1-5]?\d s|(1?\d|2[0-3]) h [1-5]?\d min|\d+ d (1?\d|2[0-3]) h)$/,
      );
    }
  });
});

describe('a size', () => {
  test.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [KIB, '1.0 KiB'],
    [1_536, '1.5 KiB'],
    [MIB - 100, '1023.9 KiB'],
    [MIB - 1, '1.0 MiB'],
    [MIB, '1.0 MiB'],
    [GIB - 1, '1.0 GiB'],
    [1.5 * GIB, '1.5 GiB'],
    [5_000 * GIB, '4.9 TiB'],
    [5_000 * 1_024 * GIB, '5000.0 TiB'],
  ])('of %d bytes is %s', (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });
});

test('counts have separators, and their nouns a number', () => {
  expect([count(1_234), counted(1, 'run'), counted(2, 'run')]).toEqual(['1,234', '1 run', '2 runs']);
});
