import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { parseSince } from '../../../src/cli/since.js';

const NOW = Date.parse('2026-11-24T12:00:00Z');

describe('a time', () => {
  test.each([
    ['0s', NOW],
    ['30s', NOW - 30_000],
    ['5m', NOW - 300_000],
    ['2h', NOW - 7_200_000],
    ['1d', NOW - 86_400_000],
    [' 5m ', NOW - 300_000],
    ['30000d', 0],
    [`${'9'.repeat(400)}d`, 0],
    [String(NOW), NOW],
    ['10000000000', 10_000_000_000],
    ['2026-11-24T11:00:00Z', NOW - 3_600_000],
    ['2026-11-24t11:00:00.250z', NOW - 3_600_000 + 250],
    ['2026-11-24T11:00:00,250Z', NOW - 3_600_000 + 250],
    ['2026-11-24T13:00+02:00', NOW - 3_600_000],
    ['2026-11-24 11:00Z', NOW - 3_600_000],
    ['2026-11-24', NOW - 12 * 3_600_000],
    ['2026-11-24T11:00', new Date(2026, 10, 24, 11).getTime()],
  ])('such as "%s" is understood', (text, ms) => {
    expect(parseSince(text, NOW)).toBe(ms);
  });

  test.each([
    '',
    ' ',
    '5',
    '5 m',
    '-5m',
    '1.5h',
    '5M',
    '5w',
    '500ms',
    'banana 5',
    'May 5',
    'yesterday',
    '1234567890',
    '12345678901234',
    '2026-13-01',
    '2026-02-01T25:00Z',
    '24.11.2026',
    '11/24/2026',
    '0x174876e800',
    'null',
  ])('such as "%s" is refused with what is allowed', (text) => {
    expect(() => parseSince(text, NOW)).toThrow(InvalidArgumentError);
    expect(() => parseSince(text, NOW)).toThrow('It must be 30s, 5m, 2h, 1d, an ISO time');
  });
});
