import { inLocalWords } from './local-times.js';

let since: string | undefined;

/** Says that the server does not answer, and since when. */
export function tellStale(): void {
  since ??= inLocalWords(Date.now());
  const stale = document.getElementById('stale');
  if (!stale) return;
  stale.textContent = `No answer since ${since}. What you see is older; trying again.`;
  stale.hidden = false;
}

/** The server has answered. */
export function tellFresh(): void {
  since = undefined;
  const stale = document.getElementById('stale');
  if (stale) stale.hidden = true;
}
