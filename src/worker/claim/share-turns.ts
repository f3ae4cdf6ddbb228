/** A run of a principal that has its share is looked at again after this time (ms) at the earliest … */
const LEAST_MS = 1_000;
/** … and one of them in this time (ms): ten thousand of them cost no more than ten. */
const APART_MS = 100;

export interface ShareTurns {
  /** In what time (ms) the next run of a principal is to be looked at again: one after the other, in the order of asking. */
  delayMs(principal: string): number;
}

/** Lets the runs of principals that have their share of running runs come back in turn. `now` is our own time (ms). */
export function createShareTurns(now: () => number = () => performance.now()): ShareTurns {
  const last = new Map<string, number>();
  return {
    delayMs(principal) {
      for (const [name, due] of last) if (due < now()) last.delete(name);
      const due = Math.max(now() + LEAST_MS, (last.get(principal) ?? 0) + APART_MS);
      last.set(principal, due);
      return Math.ceil(due - now());
    },
  };
}
