import { setTimeout as pause } from 'node:timers/promises';
import type { Claimer } from '../../shared/queues/leases.js';
import type { Queues } from '../../shared/queues/queues.js';
import { hostQueue, partsOf, runnerQueue, serves } from '../../shared/queues/route.js';
import type { Told } from '../../shared/queues/told.js';
import { createWaker } from '../../shared/run-store/wait.js';
import { every } from '../every.js';
import type { HostHealth } from '../host/health.js';
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
  const offered = createOffered(deps, () => wake());
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
  let lookAgainAt = 0;
  let turnAt = performance.now();
  let interruptions = deps.interruptions();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      turnAt = performance.now();
      try {
        const isTime = performance.now() >= lookAgainAt;
        const found = isTime ? await queues.lookAgain([...claimers.keys()]) : undefined;
        await offered.follow(found?.anyRequires);
        const lost = deps.interruptions();
        if (lost !== interruptions) {
          await taking.settled(); // what is under way is not forgotten
          await takeForgotten(deps, claimers, stopping.signal);
        }
        interruptions = lost;
        if (found) {
          taking.retry();
          for (const queue of found.withJobs) offered.placed(queue);
          lookAgainAt = performance.now() + LOOK_AGAIN_MS;
        }
        taking.check();
        taking.start();
        await waker.next(lookAgainAt - performance.now());
      } catch (error) {
        logger.warn({ err: error }, 'no jobs can be taken; trying again');
        await pause(TRY_AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  })();

  return {
    wake,
    turnMs: () => Math.max(performance.now() - turnAt, taking.oldestMs()),
    async stop() {
      stopping.abort();
      await Promise.all([loop, checking.stop()]);
      await taking.settled();
      unsubscribe();
      await offered.leaveAll();
    },
  };
}

/**
 * The queues of this host and of the runners that it has by now, with those whose runs require no more than it has, and which
 * of them may have a job.
 */
function createOffered({ queues, id, host, labels, runners, limits, spread }: ClaimingDeps, onPlaced: () => void) {
  const claimers = new Map<string, Claimer>();
  const listening = new Map<string, () => void>();
  const due = new Set<string>();
  const leftToOthers = new Set<string>();
  /** Queues of runs that require something; they come and go. */
  let requiring: readonly string[] = [];
  let hasMore = true;

  const onTold = (runner: string | undefined) => (what: Told) => {
    if (what === 'room') return runner === undefined ? undefined : limits.roomAgain(runner);
    hasMore = true;
    onPlaced();
  };
  const look = async () => {
    hasMore = false; // not after the answer: what is told meanwhile counts
    const found = await queues.requiring().catch((error: unknown) => {
      hasMore = true;
      throw error;
    });
    requiring = found.sort();
  };
  const ask = (queue: string) => {
    due.add(queue);
    onPlaced();
  };
  const placed = (queue: string) => {
    const delayMs = spread.delayMs(queue);
    if (delayMs === 0) return ask(queue);
    if (leftToOthers.has(queue)) return;
    leftToOthers.add(queue);
    setTimeout(() => {
      leftToOthers.delete(queue);
      if (listening.has(queue)) ask(queue);
    }, delayMs);
  };
  const listenTo = async (queue: string) => {
    if (!requiring.includes(queue)) await queues.announce(queue);
    const onQueue = () => placed(queue);
    listening.set(queue, await queues.onPlaced(queue, onQueue, onTold(partsOf(queue).runner)));
    claimers.set(queue, queues.claimer(queue, id));
    due.add(queue); // something may have been waiting there for long
  };
  const leave = async (queue: string) => {
    listening.get(queue)?.();
    listening.delete(queue);
    due.delete(queue);
    const claimer = claimers.get(queue);
    claimers.delete(queue);
    await claimer?.stop();
  };
  return {
    claimers: claimers as ReadonlyMap<string, Claimer>,
    due,
    /** A queue may have a job; it is asked at once, or left to others first. */
    placed,
    /**
     * Listens to what there is. Queues with requirements are asked for when one is new, and where `anyRequires` says that there
     * are some, or none any more.
     */
    async follow(anyRequires?: boolean): Promise<void> {
      if (hasMore || anyRequires || (anyRequires === false && requiring.length > 0)) await look();
      const offered = runners();
      const able = requiring.filter((queue) => serves({ host, labels, runners: offered }, queue));
      const wanted = [hostQueue(host), ...offered.map((runner) => runnerQueue(runner)), ...able];
      for (const queue of claimers.keys()) if (!wanted.includes(queue)) await leave(queue);
      for (const queue of wanted) if (!claimers.has(queue)) await listenTo(queue);
    },
    leaveAll: async () => void (await Promise.all([...claimers.keys()].map(leave))),
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
