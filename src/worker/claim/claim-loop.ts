import type { Logger } from '../../shared/logger.js';
import type { Claimer, Lease } from '../../shared/queues/leases.js';
import type { Queues } from '../../shared/queues/queues.js';
import { hostQueue, runnerQueue } from '../../shared/queues/route.js';
import { createWaker } from '../../shared/run-store/wait.js';
import { again } from '../again.js';
import type { HostHealth } from '../host/health.js';
import type { Slots } from './slots.js';

/** A lost notification costs a waiting run this much (ms). */
const LOOK_AGAIN_MS = 5_000;
/** After an error, mostly of Redis (ms). */
const TRY_AGAIN_MS = 500;

export interface ClaimingDeps {
  readonly queues: Pick<Queues, 'announce' | 'claimer' | 'onPlaced' | 'withJobs'>;
  /** This worker. */
  readonly id: string;
  readonly host: string;
  /** The names of the runners that it offers, now. */
  readonly runners: () => readonly string[];
  /** Whether the program of a runner is there this moment. */
  readonly isHere: (runner: string) => boolean;
  readonly slots: Pick<Slots, 'isFree'>;
  readonly health: Pick<HostHealth, 'problem' | 'onChange'>;
  /** How often the connection to Redis was lost. */
  readonly interruptions: () => number;
  /** Whether the job of a run is in our hands. */
  readonly holds: (runId: string) => boolean;
  /** Takes a job on; false when it has no slot for it. When it throws, the job is given back. */
  readonly takeOn: (lease: Lease) => Promise<boolean>;
  readonly logger: Logger;
}

export interface Claiming {
  wake(): void;
  /** Since the loop has begun its last turn (ms): some seconds, unless it hangs or Redis is away. */
  turnMs(): number;
  stop(): Promise<void>;
}

/**
 * Takes jobs while there is room: first those bound to this host, then those of the runners in turn. It asks without
 * blocking, so one worker with many queues keeps exactly its number of runs; and it asks only the queues that may have a
 * job, because one was placed there or was left there for want of room.
 */
export async function startClaiming(deps: ClaimingDeps): Promise<Claiming> {
  const { queues, health, logger } = deps;
  const stopping = new AbortController();
  const waker = createWaker(stopping.signal);
  const unsubscribe = health.onChange(waker.wake);
  const offered = createOffered(deps, waker.wake);
  const { claimers, due } = offered;
  await offered.follow();

  let lookAgainAt = 0;
  let turnAt = performance.now();
  let interruptions = deps.interruptions();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      turnAt = performance.now();
      try {
        await offered.follow();
        const lost = deps.interruptions();
        if (lost !== interruptions) await takeForgotten(deps, claimers, stopping.signal);
        interruptions = lost;
        if (performance.now() >= lookAgainAt) {
          for (const queue of await queues.withJobs([...claimers.keys()])) due.add(queue);
          lookAgainAt = performance.now() + LOOK_AGAIN_MS;
        }
        while (await takeFromEach(deps, claimers, due, stopping.signal)) {
          if (stopping.signal.aborted) return;
          turnAt = performance.now();
        }
        await waker.next(lookAgainAt - performance.now());
      } catch (error) {
        logger.warn({ err: error }, 'no jobs can be taken; trying again');
        await waker.next(TRY_AGAIN_MS);
      }
    }
  })();

  return {
    wake: waker.wake,
    turnMs: () => performance.now() - turnAt,
    async stop() {
      stopping.abort();
      await loop;
      unsubscribe();
      await offered.leaveAll();
    },
  };
}

/** The queues of this host and of the runners that it has by now, and which of them may have a job. */
function createOffered({ queues, id, host, runners }: ClaimingDeps, onPlaced: () => void) {
  const claimers = new Map<string, Claimer>();
  const listening = new Map<string, () => void>();
  const due = new Set<string>();

  const listenTo = async (queue: string) => {
    await queues.announce(queue);
    const placed = () => {
      due.add(queue);
      onPlaced();
    };
    listening.set(queue, await queues.onPlaced(queue, placed));
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
    async follow(): Promise<void> {
      const wanted = [hostQueue(host), ...runners().map(runnerQueue)];
      for (const queue of claimers.keys()) if (!wanted.includes(queue)) await leave(queue);
      for (const queue of wanted) if (!claimers.has(queue)) await listenTo(queue);
    },
    leaveAll: async () => void (await Promise.all([...claimers.keys()].map(leave))),
  };
}

/** Takes on what Redis has given to us in an answer that never came; nobody else may, before its lock runs out. */
async function takeForgotten(
  deps: ClaimingDeps,
  claimers: ReadonlyMap<string, Claimer>,
  stopping: AbortSignal,
): Promise<void> {
  for (const claimer of claimers.values())
    for (const lease of await claimer.forgotten(deps.holds)) await takeOn(deps, lease, stopping);
}

/** One job from each queue that is due and has room; true when there may be more that can be taken. */
async function takeFromEach(
  deps: ClaimingDeps,
  claimers: ReadonlyMap<string, Claimer>,
  due: Set<string>,
  stopping: AbortSignal,
): Promise<boolean> {
  let found = false;
  for (const [queue, claimer] of claimers) {
    if (stopping.aborted || !due.has(queue) || !mayTake(deps, queue)) continue;
    due.delete(queue); // not after the question: what is placed meanwhile makes it due again
    const { lease, more } = await claimer.take().catch((error: unknown) => {
      due.add(queue);
      throw error;
    });
    if (!lease) continue;
    const isTaken = await takeOn(deps, lease, stopping);
    if (more || !isTaken) due.add(queue);
    if (isTaken) found = true;
  }
  return found;
}

function mayTake({ runners, isHere, slots, health }: ClaimingDeps, queue: string): boolean {
  if (health.problem) return false;
  const names = runners();
  const runner = names.find((name) => runnerQueue(name) === queue);
  return runner === undefined ? names.some(slots.isFree) : slots.isFree(runner) && isHere(runner);
}

async function takeOn({ takeOn, logger }: ClaimingDeps, lease: Lease, stopping: AbortSignal): Promise<boolean> {
  try {
    return await takeOn(lease);
  } catch (error) {
    logger.warn({ runId: lease.runId, err: error }, 'the job could not be taken on; it goes back to its queue');
    await again(
      () => lease.giveBack(),
      stopping,
      (err) => logger.debug({ runId: lease.runId, err }, 'the job cannot be given back yet'),
    );
    return false;
  }
}
