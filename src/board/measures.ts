import { html } from 'hono/html';

const NUMBER = new Intl.NumberFormat('en');

/** A count for people, with thousands separators. */
export const count = (value: number) => NUMBER.format(value);

/** `1 run`, `2 runs`. */
export const counted = (value: number, noun: string) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** A length of time (ms) for people, in its two largest units at most. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** A size (bytes) for people. */
export function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_048_576) return `${(bytes / 1_024).toFixed(1)} KiB`;
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

function since(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 129_600 ? `${Math.round(seconds / 3_600)} h ago` : `${Math.round(seconds / 86_400)} d ago`;
}

/** A point in time, relative to `now` (both ms by the clock of Redis), with the absolute time as its title. */
export function ago(at: number, now: number) {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${since(now - at)}</time>`;
}
