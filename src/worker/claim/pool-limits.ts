import type { Config } from '../../shared/config/load.js';
import type { Logger } from '../../shared/logger.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { Permits, RunnerLimit } from '../../shared/queues/permits.js';
import type { Run } from '../../shared/run.js';
import { SILENT_BEATS } from '../../shared/workers/beating.js';
import { every } from '../every.js';

/** A lost notification that there is room again costs a waiting run this much (ms). */
const LOOK_AGAIN_MS = 5_000;

type Limits = Readonly<Record<string, RunnerLimit>>;
type Permitted = Pick<Run, 'id' | 'runner'>;

export interface PoolLimitsDeps {
  readonly permits: Omit<Permits, 'use'>;
  /** By runner; of those that are not there the pool runs as many as there are slots. */
  readonly limits: Limits;
  /** The runs that this worker has. */
  readonly running: () => readonly Permitted[];
  /** There may be room again. */
  readonly onRoom: () => void;
  readonly heartbeatMs: number;
  readonly logger: Logger;
}

/** What the whole pool may run at once, and start in a minute, as one worker keeps to it. */
export interface PoolLimits {
  /** Whether one more run of a runner may be asked for: none is, while the limit is known to be reached. */
  mayAsk(runner: string, underWay: number): boolean;
  /** Undefined: it may be started. Else in what time (ms) to ask again at the latest. Without a limit Redis is not asked. */
  take(run: Permitted): Promise<number | undefined>;
  /** A run that took a permit is not started after all. */
  untake(run: Permitted): void;
  /** A run of this worker is over. */
  release(run: Permitted): void;
  /** Told by another worker. */
  roomAgain(runner: string): void;
  /** What is left behind keeps its permits until the next worker has it, or they run out. */
  stop(): Promise<void>;
}

/** The limits that the settings name, by runner. */
export function limitsFrom({ poolConcurrency, startsPerMinute }: LimitSettings): Limits {
  const runners = new Set([...Object.keys(poolConcurrency), ...Object.keys(startsPerMinute)]);
  const of = (numbers: Readonly<Record<string, number>>, runner: string) =>
    Object.hasOwn(numbers, runner) ? numbers[runner] : undefined;
  return Object.fromEntries(
    [...runners].sort().map((runner) => {
      const [atOnce, starts] = [of(poolConcurrency, runner), of(startsPerMinute, runner)];
      return [runner, omitUndefined({ atOnce, startsPerMinute: starts })];
    }),
  );
}
type LimitSettings = Pick<Config, 'poolConcurrency' | 'startsPerMinute'>;

/** Keeps the permits of what runs alive, with every heartbeat. */
export function startPoolLimits({ permits, limits, running, onRoom, heartbeatMs, logger }: PoolLimitsDeps): PoolLimits {
  const lastsMs = SILENT_BEATS * heartbeatMs;
  /** What is known to have reached its limit, and when that is asked again at the latest. */
  const reached = new Map<string, NodeJS.Timeout>();
  let isStopped = false;
  const limitOf = (runner: string) => (Object.hasOwn(limits, runner) ? limits[runner] : undefined);

  const roomAgain = (runner: string) => {
    clearTimeout(reached.get(runner));
    if (reached.delete(runner)) onRoom();
  };
  const giveBack = ({ id, runner }: Permitted, unstarted: boolean) => {
    if (isStopped || !limitOf(runner)) return;
    permits
      .release(runner, id, unstarted)
      .catch((error: unknown) => logger.debug({ runId: id, err: error }, 'a permit is left to run out'));
  };
  const keepAll = async () => {
    for (const runner of Object.keys(limits)) {
      const ids = running().flatMap((run) => (run.runner === runner ? run.id : []));
      await permits.keep(runner, ids, lastsMs);
    }
  };
  const keeping =
    Object.keys(limits).length === 0
      ? undefined
      : every(heartbeatMs, keepAll, { failed: 'the permits of what runs could not be prolonged', logger });
  return {
    // One after the other: of many that are taken at once, all but one would mostly go back.
    mayAsk: (runner, underWay) => !limitOf(runner) || (underWay === 0 && !reached.has(runner)),
    async take({ id, runner }) {
      const limit = limitOf(runner);
      if (!limit) return undefined;
      const answer = await permits.take(runner, id, limit, lastsMs);
      if (answer === 'yes') return undefined;
      const againMs = answer === 'full' ? LOOK_AGAIN_MS : Math.min(answer.againMs, 60_000);
      clearTimeout(reached.get(runner));
      if (!isStopped) reached.set(runner, setTimeout(roomAgain, againMs, runner));
      return againMs;
    },
    untake: (run) => giveBack(run, true),
    release: (run) => giveBack(run, false),
    roomAgain,
    async stop() {
      isStopped = true;
      for (const timer of reached.values()) clearTimeout(timer);
      reached.clear();
      await keeping?.stop();
    },
  };
}
