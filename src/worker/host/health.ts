import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { HostFaultKind, HostProblem } from '../../shared/workers/workers.js';

/** Whether runs can be started on this host; while there is a problem, none is claimed. */
export interface HostHealth {
  /** The oldest problem that is not over; undefined while the host is well. */
  readonly problem: HostProblem | undefined;
  /** Something failed that is the host's fault and no run's: nothing is claimed until a probe of that kind succeeds. */
  fault(kind: HostFaultKind, message: string): void;
  /** Calls back whenever `problem` has changed; answers what unsubscribes. */
  onChange(listener: () => void): () => void;
  stop(): void;
}

/** For each kind of fault, what shows that it is over; throws while it is not. */
export type HostProbes = Readonly<Record<HostFaultKind, () => Promise<void>>>;

export interface HostHealthDeps {
  readonly probes: HostProbes;
  /** Milliseconds by the clock of Redis. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Before the first probe (ms); each further pause is twice as long, up to `longestPauseMs`. */
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
}

/**
 * Keeps what is wrong with this host, and finds out by itself when it is over. A fault that comes back soon after its
 * probe has succeeded goes on with the longer pause: the probe does not see everything.
 */
export function startHostHealth(deps: HostHealthDeps): HostHealth {
  const { probes, now, logger, firstPauseMs = 1_000, longestPauseMs = 60_000 } = deps;
  const problems = new Map<HostFaultKind, HostProblem>();
  const timers = new Map<HostFaultKind, NodeJS.Timeout>();
  const over = new Map<HostFaultKind, { readonly at: number; readonly pauseMs: number }>();
  const listeners = new Set<() => void>();
  let stopped = false;
  const tell = () => {
    for (const listener of listeners) listener();
  };

  const probeAfter = (kind: HostFaultKind, pauseMs: number) => {
    if (stopped) return;
    timers.set(kind, setTimeout(() => void probe(kind, pauseMs), pauseMs).unref());
  };
  const probe = async (kind: HostFaultKind, pauseMs: number) => {
    const longer = Math.min(pauseMs * 2, longestPauseMs);
    try {
      await probes[kind]();
    } catch (error) {
      logger.debug({ kind, why: messageOf(error) }, 'the host still cannot start runs');
      return probeAfter(kind, longer);
    }
    if (stopped) return;
    problems.delete(kind);
    over.set(kind, { at: performance.now(), pauseMs: longer });
    if (problems.size === 0) logger.info({ kind }, 'the host can start runs again');
    tell();
  };
  const firstPause = (kind: HostFaultKind) => {
    const before = over.get(kind);
    return before && performance.now() - before.at < longestPauseMs ? before.pauseMs : firstPauseMs;
  };

  return {
    get problem() {
      return [...problems.values()][0];
    },
    fault(kind, message) {
      if (stopped || problems.has(kind)) return;
      problems.set(kind, { kind, message, since: now() });
      logger.error({ kind, why: message }, 'this host cannot start runs; it takes none until it can');
      probeAfter(kind, firstPause(kind));
      tell();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      listeners.clear();
    },
  };
}
