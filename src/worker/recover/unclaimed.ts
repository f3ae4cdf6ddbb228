/**
 * For how long (ms) a spool has to be without a run of this host before it is removed. A stale Sentinel may lead a worker to an
 * old master, and an old master goes on answering for about 10 s in a planned failover: this is longer, with a margin.
 */
export const UNCLAIMED_MS = 30_000;

/** Which spools no record has claimed, look for look. */
export interface Unclaimed {
  /**
   * Takes down what one look has found, and answers those found by every look for `UNCLAIMED_MS`, without a loss of the
   * connection in between. `interruptions`: how often it had been lost before the look.
   */
  afterLook(found: readonly string[], interruptions: number): readonly string[];
}

/** `now`: our own time (ms), which never jumps. */
export function createUnclaimed(now: () => number = () => performance.now()): Unclaimed {
  let since: ReadonlyMap<string, number> = new Map();
  let interruptionsThen = 0;
  return {
    afterLook(found, interruptions) {
      const before = interruptions === interruptionsThen ? since : new Map<string, number>();
      since = new Map(found.map((runId) => [runId, before.get(runId) ?? now()]));
      interruptionsThen = interruptions;
      return found.filter((runId) => now() - (since.get(runId) ?? now()) >= UNCLAIMED_MS);
    },
  };
}
