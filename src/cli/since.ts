import { InvalidArgumentError } from 'commander';
import { readDuration, readIsoTime } from '../shared/read-time.js';

function msOf(text: string, now: number): number | undefined {
  if (/^\d{11,13}$/.test(text)) return Number(text);
  const ago = /^\d+[smhd]$/.test(text) ? readDuration(text) : undefined;
  return ago === undefined ? readIsoTime(text) : Math.max(0, now - ago);
}

/** A point in time as a person gives it: `5m` ago, an ISO time, or milliseconds since the epoch. */
export function parseSince(text: string, now: number): number {
  const ms = msOf(text.trim(), now);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('It must be 30s, 5m, 2h, 1d, an ISO time, or milliseconds since the epoch.');
}

/** A point in time that is read when the clock of Redis is known; throws a UserError at once when it is not one. */
export function sinceOption(text: string): string {
  parseSince(text, Date.now());
  return text;
}
