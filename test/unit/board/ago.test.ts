import { describe, expect, it } from 'vitest';
import { ago } from '../../../src/board/ago.js';

describe('a point in time', () => {
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
