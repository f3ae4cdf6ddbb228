import { SILENT_BEATS } from '../../shared/workers/beating.js';
import type { Beats, LivingWorker, Workers } from '../../shared/workers/workers.js';

/** A worker of the register as observed by this process: `alive` does not depend on the clock of Redis. */
export interface WatchedWorker extends LivingWorker {
  /** How long it has been silent (ms): by the clock of Redis when it was first seen, by our own clock since. */
  readonly silentMs: number;
}

export interface WatchDeps {
  readonly workers: Pick<Workers, 'list' | 'beats'>;
  /** The time of Redis (ms). */
  readonly now: () => Promise<number>;
  readonly heartbeatMs: number;
  /** Our own time (ms), which never jumps. */
  readonly elapsed?: () => number;
}

interface Seen {
  readonly beat: number;
  /** Since when it is silent, by our own time (ms). */
  readonly since: number;
  /** From when on we know of its silence ourselves (ms). */
  readonly witnessedFrom: number;
}

/** The register, as this worker sees it. */
export interface RegisterWatch {
  /** All workers that have not left. */
  list(): Promise<readonly WatchedWorker[]>;
  /** Whether a worker has been silent for three heartbeats: one small question, which is to be asked with each. */
  isAnySilent(): Promise<boolean>;
}

/**
 * Observes the register over time. When the clock of Redis jumps, all heartbeats seem to be hours old or in the future; so a
 * worker counts as silent only when no heartbeat of it came while this process was looking.
 */
export function watchRegister({
  workers,
  now,
  heartbeatMs,
  elapsed = () => performance.now(),
}: WatchDeps): RegisterWatch {
  let seen: ReadonlyMap<string, Seen> = new Map();
  let lastLook: number | undefined;

  function look(id: string, beat: number, byRedis: number, at: number): Seen {
    const before = seen.get(id);
    if (before?.beat === beat) return before;
    const told = Math.max(0, byRedis - beat);
    if (lastLook === undefined) return { beat, since: at - told, witnessedFrom: at };
    const since = at - Math.min(told, at - lastLook); // it was not there when we looked last
    return { beat, since, witnessedFrom: since };
  }
  /** Takes in what was heard of whom, as it was asked for at a time of ours. */
  function hear(beats: Beats, byRedis: number, begun: number): number {
    const at = elapsed();
    seen = new Map([...beats].map(([id, beat]) => [id, look(id, beat, byRedis, at)]));
    lastLook = begun;
    return at;
  }
  return {
    async isAnySilent() {
      const begun = elapsed();
      const [beats, byRedis] = await Promise.all([workers.beats(), now()]);
      const at = hear(beats, byRedis, begun);
      return [...seen.values()].some(({ since }) => at - since >= SILENT_BEATS * heartbeatMs);
    },
    async list() {
      const begun = elapsed();
      const [register, byRedis] = await Promise.all([workers.list(), now()]);
      const at = hear(new Map(register.map(({ id, lastHeartbeatAt }) => [id, lastHeartbeatAt])), byRedis, begun);
      return register.map((worker) => {
        const { since = at, witnessedFrom = at } = seen.get(worker.id) ?? {};
        const alive = at - Math.max(since, witnessedFrom) < SILENT_BEATS * heartbeatMs;
        return { ...worker, alive, silentMs: at - since };
      });
    },
  };
}
