import { html } from 'hono/html';

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
