import { SILENT_BEATS } from '../../shared/workers/beating.js';
import type { Sweeper } from '../../shared/workers/sweeper.js';
import type { Workers } from '../../shared/workers/workers.js';

/** Which worker of the pool does the sweep for all, as this worker sees it. */
export interface SweepPlace {
  /** Looks whose the role is, and takes it if nobody has it, or its worker was not heard for three heartbeats. */
  keep(): Promise<void>;
  /** Whether it was ours at the last look. */
  isOurs(): boolean;
  /** Hands it over at once. */
  leave(): Promise<void>;
}

export interface SweepPlaceDeps {
  readonly workers: Pick<Workers, 'sweeper' | 'takeSweep' | 'leaveSweep'>;
  /** This worker. */
  readonly id: string;
  readonly heartbeatMs: number;
  /** Our own time (ms), which never jumps. */
  readonly elapsed?: () => number;
}

/**
 * If a thousand workers all read the register with every heartbeat and all records every five minutes, Redis would do
 * nothing else; so one does it for all. It is replaced when its heartbeats do not come while others look, so the clock of
 * Redis does not decide.
 */
export function createSweepPlace({
  workers,
  id,
  heartbeatMs,
  elapsed = () => performance.now(),
}: SweepPlaceDeps): SweepPlace {
  let seen: Sweeper & { readonly since: number } = { place: '', since: elapsed() };
  const isOf = (place: string) => place.startsWith(`${id} `);
  const isOurs = () => isOf(seen.place);
  return {
    isOurs,
    async keep() {
      const found = await workers.sweeper(id);
      if (found.place !== seen.place || found.sign !== seen.sign) seen = { ...found, since: elapsed() };
      if (isOurs() || (found.place !== '' && elapsed() - seen.since < SILENT_BEATS * heartbeatMs)) return;
      const place = await workers.takeSweep(id, found.place);
      if (place !== seen.place) seen = { place, since: elapsed() };
    },
    async leave() {
      if (isOurs()) await workers.leaveSweep(id);
      seen = { place: '', since: elapsed() };
    },
  };
}
