import { setTimeout as pause } from 'node:timers/promises';
import type { Claimer } from '../../shared/queues/leases.js';
import type { Queues } from '../../shared/queues/queues.js';
import { createWaker } from '../../shared/run-store/wait.js';
import { every } from '../every.js';
import type { HostHealth } from '../host/health.js';
import { Offered } from './offered.js';
import type { PoolLimits } from './pool-limits.js';
import type { Spread } from './spread.js';
import { createTaking, type TakerDeps, takeOn } from './taking.js';

/** A lost notification costs a waiting run this much (ms). */
const LOOK_AGAIN_MS = 5_000;
/** After an error, mostly of Redis (ms). */
const TRY_AGAIN_MS = 500;

export interface ClaimingDeps extends TakerDeps {
  readonly queues: Pick<Queues, 'announce' | 'claimer' | 'lookAgain' | 'onPlaced' | 'requiring' | 'withHeld'>;
  /** This worker. */
  readonly id: string;
  readonly limits: Pick<PoolLimits, 'mayAsk' | 'roomAgain'>;
  readonly health: Pick<HostHealth, 'problem' | 'onChange'>;
  readonly spread: Pick<Spread, 'delayMs' | 'asked'>;
  /** How long a job is held without being prolonged (ms). */
  readonly lockMs: number;
  /** How often the connection to Redis was lost. */
  readonly interruptions: () => number;
}

export interface Claiming {
  wake(): void;
  /** Since the loop has begun its last turn (ms): some seconds, unless it hangs or Redis is away. */
  turnMs(): number;
  stop(): Promise<void>;
}

/**
 * Takes jobs while there is room: first those bound to this host, then those that require what only some workers have, then
 * those of the runners in turn. It asks without
 * blocking, so one worker with many queues keeps exactly its number of runs; and it asks only the queues that may have a
 * job, because one was placed there or was left there for want of room.
 */
export async function startClaiming(deps: ClaimingDeps): Promise<Claiming> {
  const { queues, health, logger } = deps;
  const stopping = new AbortController();
  const waker = createWaker(stopping.signal);
  const offered = new Offered({ ...deps, onPlaced: () => wake() });
  const { claimers, due } = offered;
  const taking = createTaking({ ...deps, claimers, due, onProgress: waker.wake, stopping: stopping.signal });
  const wake = () => {
    taking.retry();
    waker.wake();
  };
  const unsubscribe = health.onChange(wake);
  await offered
    .follow()
    .catch((error: unknown) => logger.warn({ err: error }, 'cannot listen to the queues yet; trying again'));

  const checkStalled = async () => {
    for (const queue of await queues.withHeld([...claimers.keys()])) await claimers.get(queue)?.checkStalled();
  };
  const words = 'it cannot be looked whether the holders of jobs are gone; trying again';
  const checking = every(deps.lockMs / 2, checkStalled, { failed: words, logger, atOnce: true });
  const turns = takeTurns(deps, { offered, taking, waker, stopping: stopping.signal });

  return {
    wake,
    turnMs: () => Math.max(turns.sinceMs(), taking.oldestMs()),
    async stop() {
      stopping.abort();
      await Promise.all([turns.over, checking.stop()]);
      await taking.settled();
      unsubscribe();
      await offered.leaveAll();
    },
  };
}

interface Turning {
  readonly offered: Offered;
  readonly taking: ReturnType<typeof createTaking>;
  readonly waker: Pick<ReturnType<typeof createWaker>, 'next'>;
  readonly stopping: AbortSignal;
}

/** Looks what there is and asks for it, again with each wake-up, until it is to stop. */
function takeTurns(deps: ClaimingDeps, { offered, taking, waker, stopping }: Turning) {
  const { queues, logger } = deps;
  const { claimers } = offered;
  let lookAgainAt = 0;
  let begunAt = performance.now();
  let interruptions = deps.interruptions();

  async function turn(): Promise<void> {
    const isTime = performance.now() >= lookAgainAt;
    const found = isTime ? await queues.lookAgain([...claimers.keys()]) : undefined;
    await offered.follow(found?.anyRequires);
    const lost = deps.interruptions();
    if (lost !== interruptions) {
      await taking.settled(); // what is under way is not forgotten
      await takeForgotten(deps, claimers, stopping);
    }
    interruptions = lost;
    if (found) {
      taking.retry();
      for (const queue of found.withJobs) offered.placed(queue);
      lookAgainAt = performance.now() + LOOK_AGAIN_MS;
    }
    taking.check();
    taking.start();
  }
  const over = (async () => {
    while (!stopping.aborted) {
      begunAt = performance.now();
      try {
        await turn();
        await waker.next(lookAgainAt - performance.now());
      } catch (error) {
        logger.warn({ err: error }, 'no jobs can be taken; trying again');
        await pause(TRY_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
      }
    }
  })();
  return {
    /** Resolves after the last turn. */
    over,
    /** Since the last turn has begun (ms). */
    sinceMs: () => performance.now() - begunAt,
  };
}

/** Takes on jobs that Redis has given to us in an answer that never came; no other worker may, before their locks expire. */
async function takeForgotten(
  deps: ClaimingDeps,
  claimers: ReadonlyMap<string, Claimer>,
  stopping: AbortSignal,
): Promise<void> {
  for (const claimer of claimers.values())
    for (const lease of await claimer.forgotten(deps.holds)) await takeOn(deps, lease, stopping);
}
