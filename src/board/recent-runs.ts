import type { Caller } from '../client/caller.js';
import { seenBy } from '../client/find-run.js';
import { recentSpans, type Span } from '../client/usage.js';

const DAY_MS = 86_400_000;
/** An open overview asks all the time, and each look reads a record for each run of the day (ms). */
const KEPT_MS = 10_000;
/** For how many different callers at once. */
const MOST_KEPT = 100;

/** The runs of the last 24 hours that a caller may see, by the hour; at most some seconds old. */
export function createRecentRuns(): (caller: Caller) => Promise<readonly Span[]> {
  const kept = new Map<string, { readonly until: number; readonly spans: Promise<readonly Span[]> }>();
  return (caller) => {
    const key = JSON.stringify(seenBy(caller.principal));
    const known = kept.get(key);
    if (known && known.until > performance.now()) return known.spans;
    if (kept.size >= MOST_KEPT) kept.clear();
    const spans = recentSpans(caller, DAY_MS);
    kept.set(key, { until: performance.now() + KEPT_MS, spans });
    spans.catch(() => kept.delete(key));
    return spans;
  };
}
