import { type LivingWorker, SILENT_BEATS, type Workers } from '../../shared/workers/workers.js';

/** A worker of the register as observed by this process: `alive` does not depend on the clock of Redis. */
export interface WatchedWorker extends LivingWorker {
  /** How long it has been silent (ms): by the clock of Redis when it was first seen, by our own clock since. */
  readonly silentMs: number;
}

export interface WatchDeps {
  readonly workers: Pick<Workers, 'list'>;
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

/**
 * Observes the register over time. When the clock of Redis jumps, all heartbeats seem to be hours old or in the future; so a
 * worker counts as silent only when no heartbeat of it came while this process was looking.
 */
export function watchRegister({ workers, now, heartbeatMs, elapsed = () => performance.now() }: WatchDeps) {
  let seen: ReadonlyMap<string, Seen> = new Map();
  let lastLook: number | undefined;

  function look(worker: LivingWorker, byRedis: number, at: number): Seen {
    const before = seen.get(worker.id);
    const beat = worker.lastHeartbeatAt;
    if (before?.beat === beat) return before;
    const told = Math.max(0, byRedis - beat);
    if (lastLook === undefined) return { beat, since: at - told, witnessedFrom: at };
    const since = at - Math.min(told, at - lastLook); // it was not there when we looked last
    return { beat, since, witnessedFrom: since };
  }
  return {
    /** All workers that have not left. */
    async list(): Promise<readonly WatchedWorker[]> {
      const begun = elapsed();
      const [register, byRedis] = await Promise.all([workers.list(), now()]);
      const at = elapsed();
      seen = new Map(register.map((worker) => [worker.id, look(worker, byRedis, at)]));
      lastLook = begun;
      return register.map((worker) => {
        const { since = at, witnessedFrom = at } = seen.get(worker.id) ?? {};
        const alive = at - Math.max(since, witnessedFrom) < SILENT_BEATS * heartbeatMs;
        return { ...worker, alive, silentMs: at - since };
      });
    },
  };
}
