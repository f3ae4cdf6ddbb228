import { InvalidArgumentError } from 'commander';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A date alone, or with a time: `Date.parse` would take nearly any words with a number in them. */
const ISO = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

function msOf(text: string, now: number): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return Math.max(0, now - Number(amount) * UNITS[unit as keyof typeof UNITS]);
  if (/^\d{11,13}$/.test(text)) return Number(text);
  return ISO.test(text) ? Date.parse(text.replace(',', '.').toUpperCase()) : Number.NaN;
}

/** A point in time as a person gives it: `5m` ago, an ISO time, or milliseconds since the epoch. */
export function parseSince(text: string, now: number): number {
  const ms = msOf(text.trim(), now);
  if (!Number.isNaN(ms)) return ms;
  throw new InvalidArgumentError('It must be 30s, 5m, 2h, 1d, an ISO time, or milliseconds since the epoch.');
}

/** A point in time that is read when the clock of Redis is known; throws a UserError at once when it is not one. */
export function sinceOption(text: string): string {
  parseSince(text, Date.now());
  return text;
}
