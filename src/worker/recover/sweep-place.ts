import { SILENT_BEATS, type Workers } from '../../shared/workers/workers.js';

/** The place of the one worker of the pool that sweeps for all, as this worker sees it. */
export interface SweepPlace {
  /** Renews the place if it is ours, and takes it if no worker has renewed it for three heartbeats. */
  keep(): Promise<void>;
  /** Whether it was ours when it was kept last. */
  isOurs(): boolean;
  /** Leaves it to the next one at once. */
  leave(): Promise<void>;
}

export interface SweepPlaceDeps {
  readonly workers: Pick<Workers, 'sweepSign' | 'leaveSweep'>;
  /** This worker. */
  readonly id: string;
  readonly heartbeatMs: number;
  /** Our own time (ms), which never jumps. */
  readonly elapsed?: () => number;
}

/**
 * With a thousand workers that all read the register with every heartbeat, and all records every five minutes, Redis would
 * do nothing else. Who has the place is judged by signs that did not come while we looked, so no clock of Redis decides.
 */
export function createSweepPlace({
  workers,
  id,
  heartbeatMs,
  elapsed = () => performance.now(),
}: SweepPlaceDeps): SweepPlace {
  let seen = { sign: '', since: elapsed() };
  const isOurs = () => seen.sign.startsWith(`${id} `);
  return {
    isOurs,
    async keep() {
      const isStale = elapsed() - seen.since >= SILENT_BEATS * heartbeatMs;
      const sign = await workers.sweepSign(id, isStale ? seen.sign : '');
      if (sign !== seen.sign) seen = { sign, since: elapsed() };
    },
    async leave() {
      if (isOurs()) await workers.leaveSweep(id);
      seen = { sign: '', since: elapsed() };
    },
  };
}
