import { describe, expect, it } from 'vitest';
import { ago, duration, size } from '../../../src/board/measures.js';

describe('measures for people', () => {
  it.each([
    [-5, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [59_999, '59 s'],
    [61_000, '1 min 1 s'],
    [3_599_999, '59 min 59 s'],
    [3_660_000, '1 h 1 min'],
    [90_000_000, '1 d 1 h'],
  ])('a length of %d ms is %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_572_864, '1.5 MiB'],
  ])('a size of %d bytes is %s', (bytes, words) => {
    expect(size(bytes)).toBe(words);
  });

  it.each([
    [0, '0 s ago'],
    [-2_000, '0 s ago'],
    [89_000, '89 s ago'],
    [120_000, '2 min ago'],
    [7_200_000, '2 h ago'],
    [172_800_000, '2 d ago'],
  ])('a time %d ms back is %s, with the absolute time as title', (back, words) => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5);
    const iso = '2026-01-02T03:04:05.000Z';
    expect(String(ago(at, at + back))).toBe(`<time datetime="${iso}" title="${iso}">${words}</time>`);
  });
});
