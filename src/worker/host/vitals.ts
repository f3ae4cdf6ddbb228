import { SILENT_BEATS } from '../../shared/workers/beating.js';
import { HOST_FIXES, type HostProblem } from '../../shared/workers/workers.js';

/** What can be seen of a worker from inside. */
export interface Vitals {
  /** Why Redis cannot be used; undefined when it can. */
  readonly redis: string | undefined;
  /** Since Redis has taken the last heartbeat (ms). */
  readonly silentMs: number;
  /** Since the loop that takes jobs has begun its last turn (ms). */
  readonly claimingMs: number;
  readonly heartbeatMs: number;
  readonly phase: 'ready' | 'stopping' | 'left';
  /** Why the host cannot start runs. */
  readonly problem: Pick<HostProblem, 'kind'> | undefined;
}

/** What is wrong with a worker: what only a restart ends, and what keeps it from taking runs. Empty when it is well. */
export interface Verdict {
  readonly live: readonly string[];
  readonly ready: readonly string[];
}

/** A loop that has not completed a round for this long (ms) hangs, if Redis answers. */
const HUNG_MS = 60_000;

/**
 * Judges a worker. While Redis is away everything waits for it, which a restart does not help: that is not ready, and
 * alive. A hung event loop needs no judgement, since nothing answers then.
 */
export function verdictOf({ redis, silentMs, claimingMs, heartbeatMs, phase, problem }: Vitals): Verdict {
  const hungMs = Math.max(HUNG_MS, 2 * SILENT_BEATS * heartbeatMs);
  const hangs = (what: string, forMs: number) =>
    forMs > hungMs ? [`${what} hangs for ${Math.round(forMs / 1000)} s`] : [];
  const live =
    redis === undefined && phase === 'ready'
      ? [...hangs('the heartbeat', silentMs), ...hangs('the loop that takes jobs', claimingMs)]
      : [];
  return {
    live,
    ready: [
      ...live,
      ...(phase === 'ready' ? [] : ['it is stopping']),
      ...(redis === undefined ? [] : [redis]),
      ...(silentMs > SILENT_BEATS * heartbeatMs
        ? [`Redis has taken no heartbeat for ${Math.round(silentMs / 1000)} s`]
        : []),
      ...(problem ? [`the host cannot start runs (${problem.kind}): ${HOST_FIXES[problem.kind]}`] : []),
    ],
  };
}
