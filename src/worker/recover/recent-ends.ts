/** How long an end is remembered (ms). */
const REMEMBERED_MS = 60_000;

/** The runs that this worker has just ended: their records need not be read again to know that. */
export interface RecentEnds {
  /** `interruptions`: how often the connection to Redis had been lost when the end was sent. */
  note(runId: string, interruptions: number): void;
  /** Whether it ended so shortly ago (ms, a minute at most), and Redis, which has confirmed that, was not away since. */
  has(runId: string, withinMs?: number): boolean;
}

/** `interruptions`: how often the connection to Redis was lost; one that has crashed may have forgotten an end. */
export function createRecentEnds(interruptions: () => number, now: () => number = () => performance.now()): RecentEnds {
  const ends = new Map<string, { readonly at: number; readonly interruptions: number }>();
  return {
    note(runId, before) {
      for (const [id, { at }] of ends) {
        if (now() - at < REMEMBERED_MS) break; // the oldest are first
        ends.delete(id);
      }
      ends.set(runId, { at: now(), interruptions: before });
    },
    has(runId, withinMs = REMEMBERED_MS) {
      const end = ends.get(runId);
      return end !== undefined && end.interruptions === interruptions() && now() - end.at < withinMs;
    },
  };
}
