import { UserError } from '../shared/errors.js';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A point in time as a person gives it: `5m` ago, an ISO time, or milliseconds since the epoch. */
export function parseSince(text: string, now = Date.now()): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return now - Number(amount) * UNITS[unit as keyof typeof UNITS];
  const ms = /^\d{11,}$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw new UserError(
    'invalid_argument',
    `--since: ${JSON.stringify(text)} is no time`,
    'Use 30s, 5m, 2h, 1d, an ISO time, or milliseconds since the epoch.',
  );
}
