import type { Claimer, Lease } from '../../shared/queues/leases.js';
import { hostQueue, runnerQueue } from '../../shared/queues/route.js';
import { createWaker } from '../../shared/run-store/wait.js';
import type { WorkerDeps } from '../deps.js';
import { attachOrStart } from './attach-or-start.js';

/** A lost bell costs a waiting run this much (ms). */
const LOOK_AGAIN_MS = 5_000;
/** After an error, mostly of Redis (ms). */
const TRY_AGAIN_MS = 500;

/**
 * Takes jobs while there is room: first those bound to this host, then those of the runners in turn. It asks without
 * blocking and is woken by a bell, so one worker with many queues keeps exactly its number of runs.
 */
export async function startClaiming(deps: WorkerDeps): Promise<{ wake(): void; stop(): Promise<void> }> {
  const { pool, host, installed, slots, health, logger } = deps;
  const queues = [hostQueue(host), ...[...installed.keys()].map(runnerQueue)];
  const stopping = new AbortController();
  const waker = createWaker(stopping.signal);
  const claimers = new Map<string, Claimer>();
  const silence: (() => void)[] = [];
  for (const queue of queues) {
    await pool.queues.announce(queue);
    claimers.set(queue, pool.queues.claimer(queue, deps.id));
    silence.push(await pool.queues.onPlaced(queue, waker.wake));
  }
  silence.push(health.onChange(waker.wake));
  const starting = new Set<Promise<void>>();

  const accept = (lease: Lease) => {
    const taken = attachOrStart(deps, lease, (begun) => {
      const tracked = begun.finally(() => starting.delete(tracked));
      starting.add(tracked);
    });
    return taken.catch((error: unknown) => {
      logger.error({ runId: lease.runId, err: error }, 'the job could not be taken on; it comes again');
      return false;
    });
  };

  const mayTake = (queue: string) => {
    if (health.problem) return false;
    const runner = [...installed.keys()].find((name) => runnerQueue(name) === queue);
    return runner === undefined ? [...installed.keys()].some(slots.isFree) : slots.isFree(runner);
  };

  /** One job from each queue that has room; true when there may be more that can be taken. */
  const round = async (): Promise<boolean> => {
    let found = false;
    for (const [queue, claimer] of claimers) {
      if (stopping.signal.aborted || !mayTake(queue)) continue;
      const lease = await claimer.take();
      if (!lease) continue;
      const taken = await accept(lease);
      found ||= taken;
    }
    return found;
  };

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      try {
        while (await round()) if (stopping.signal.aborted) return;
        await waker.next(LOOK_AGAIN_MS);
      } catch (error) {
        logger.warn({ err: error }, 'no jobs can be taken; trying again');
        await waker.next(TRY_AGAIN_MS);
      }
    }
  })();

  return {
    wake: waker.wake,
    async stop() {
      stopping.abort();
      await loop;
      await Promise.allSettled(starting);
      for (const stop of silence) stop();
      await Promise.all([...claimers.values()].map((claimer) => claimer.stop()));
    },
  };
}
