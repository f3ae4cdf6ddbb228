import { SILENT_BEATS, type Workers } from '../../shared/workers/workers.js';

/** Which worker of the pool does the sweep for all, as this worker sees it. */
export interface SweepPlace {
  /** Renews the role if it is ours, and takes it if no worker has renewed it for three heartbeats. */
  keep(): Promise<void>;
  /** Whether it was ours at the last renewal. */
  isOurs(): boolean;
  /** Hands it over at once. */
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
 * If a thousand workers all read the register with every heartbeat and all records every five minutes, Redis would do
 * nothing else; so one does it for all. It is replaced when its signs of life do not come while others look, so the clock of
 * Redis does not decide.
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
