import type { Indexes } from '../../shared/run-store/indexes.js';

/** While there were none, it is asked again after so many heartbeats whether there are orphaned runs. */
const NONE_BEATS = 6;

/** Whether there may be orphaned runs in the pool: one number tells, as a rule, that there are none. */
export interface OrphanWatch {
  any(): Promise<boolean>;
  /** A worker has been silent, so there may be some from now on. */
  expect(): void;
}

/** Asks for their number with each heartbeat while there are some, else now and then. */
export function watchOrphans(
  indexes: Pick<Indexes, 'count'>,
  heartbeatMs: number,
  elapsed: () => number = () => performance.now(),
): OrphanWatch {
  let none = false;
  let at = elapsed();
  return {
    async any() {
      if (none && elapsed() - at < NONE_BEATS * heartbeatMs) return false;
      at = elapsed();
      none = false; // where the answer does not come, it is asked again; what is expected meanwhile counts
      const count = await indexes.count('orphaned');
      none = count === 0;
      return !none;
    },
    expect() {
      none = false;
    },
  };
}
