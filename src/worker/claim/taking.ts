import type { Logger } from '../../shared/logger.js';
import type { Claimer, Lease } from '../../shared/queues/leases.js';
import { partsOf } from '../../shared/queues/route.js';
import { again } from '../again.js';
import type { HostHealth } from '../host/health.js';
import type { PoolLimits } from './pool-limits.js';
import type { Slots } from './slots.js';
import type { Spread } from './spread.js';

export interface TakerDeps {
  readonly host: string;
  /** What runs may require of this worker. */
  readonly labels: readonly string[];
  /** The names of the runners that it offers, now. */
  readonly runners: () => readonly string[];
  /** Whether the program of a runner is there this moment. */
  readonly isHere: (runner: string) => boolean;
  readonly slots: Pick<Slots, 'room'>;
  readonly health: Pick<HostHealth, 'problem'>;
  readonly limits: Pick<PoolLimits, 'mayAsk'>;
  /** Whether an operator wants it to take no new runs. */
  readonly isCordoned: () => boolean;
  /** Whether the job of a run is in our hands. */
  readonly holds: (runId: string) => boolean;
  /** Takes a job on; false when it has no slot for it. When it throws, the job is given back. */
  readonly takeOn: (lease: Lease) => Promise<boolean>;
  readonly logger: Logger;
}

export interface TakingDeps extends TakerDeps {
  readonly claimers: ReadonlyMap<string, Claimer>;
  /** The queues that may have a job. */
  readonly due: Set<string>;
  readonly spread: Pick<Spread, 'asked'>;
  /** There is room again, or more to ask for. */
  readonly onProgress: () => void;
  readonly stopping: AbortSignal;
}

/** A job that is asked for, or was given to us and is being decided on. */
interface UnderWay {
  readonly queue: string;
  readonly begunAt: number;
  lease?: Lease;
}

/** What is asked of one queue at once. */
interface Batch {
  size: number;
  answered: number;
  found: number;
}

/** How much is asked of each queue at once: one job, and as many as it told to have when it was asked last. */
function createBatches(due: Set<string>) {
  const open = new Map<string, Batch>();
  const more = new Map<string, number>();
  return {
    /** Some questions are not answered yet. */
    areOpen: () => open.size > 0,
    most: (queue: string) => more.get(queue) ?? 1,
    add(queue: string): void {
      const batch = open.get(queue);
      if (batch) batch.size += 1;
      else open.set(queue, { size: 1, answered: 0, found: 0 });
    },
    /** One question is answered; when it was the last of its batch, the queue may be due again. */
    answered(queue: string, found: boolean, waiting: number): void {
      const batch = open.get(queue);
      if (!batch) return;
      batch.answered += 1;
      if (found) batch.found += 1;
      if (batch.answered < batch.size) return;
      open.delete(queue);
      more.delete(queue);
      if (batch.found < batch.size || waiting <= 1) return;
      more.set(queue, Math.max(1, waiting - batch.size)); // others of the batch may have been among those that waited
      due.add(queue);
    },
  };
}
type Batches = ReturnType<typeof createBatches>;

/**
 * Takes several jobs at once, as many as there are slots, so that a start does not wait for the round trips of the one
 * before. What is under way counts as a slot until it holds one.
 */
export function createTaking(deps: TakingDeps) {
  const { claimers, due, onProgress, stopping } = deps;
  const underWay = new Map<UnderWay, Promise<void>>();
  const batches = createBatches(due);
  /** Their next job could not be taken on: not before there is room or another reason. */
  const refused = new Set<string>();
  let failure: { readonly error: unknown } | undefined;

  async function take(one: UnderWay, claimer: Claimer): Promise<void> {
    try {
      const lease = await ask(claimer, one.queue, batches, deps);
      if (!lease) return;
      one.lease = lease;
      onProgress(); // there may be more, and room for it
      if (!(await takeOn(deps, lease, stopping))) refused.add(one.queue);
    } catch (error) {
      failure = { error };
    } finally {
      underWay.delete(one);
      onProgress();
    }
  }
  return {
    /** Asks for as many jobs as there is room for. */
    start(): void {
      if (stopping.aborted || batches.areOpen()) return; // a queue whose answer comes first would get all the room
      const queues = [...claimers.keys()].filter((queue) => due.has(queue) && !refused.has(queue)).sort(byNeed);
      const chosen = choose(deps, queues, batches, [...underWay.keys()]);
      for (const { queue } of chosen) {
        due.delete(queue); // not after the question: what is placed meanwhile makes it due again
        batches.add(queue);
      }
      for (const one of chosen) underWay.set(one, take(one, claimers.get(one.queue) as Claimer));
    },
    /** Queues whose job could not be taken on are asked again. */
    retry(): void {
      for (const queue of refused) due.add(queue);
      refused.clear();
    },
    /** Throws what went wrong since the last call, if anything did. */
    check(): void {
      const found = failure;
      failure = undefined;
      if (found) throw found.error;
    },
    /** How long the oldest of those under way has been (ms). */
    oldestMs: () => Math.max(0, ...[...underWay.keys()].map(({ begunAt }) => performance.now() - begunAt)),
    /** Resolves when nothing is under way. */
    settled: async () => void (await Promise.all(underWay.values())),
  };
}

/** First what only workers of this host may take, then what only some may; otherwise in the order in which they are. */
function byNeed(one: string, other: string): number {
  const rank = (queue: string) => {
    const { host, requires } = partsOf(queue);
    return (host === undefined ? 2 : 0) + (requires.length === 0 ? 1 : 0);
  };
  return rank(one) - rank(other);
}

/** As many as there is room for, one of each queue in turn, so that a long one does not keep another waiting. */
function choose(deps: TakerDeps, queues: readonly string[], batches: Batches, underWay: readonly UnderWay[]) {
  const chosen: UnderWay[] = [];
  const countOf = (queue: string) => chosen.filter((one) => one.queue === queue).length;
  for (let before = -1; before < chosen.length; ) {
    before = chosen.length;
    for (const queue of queues)
      if (countOf(queue) < batches.most(queue) && roomFor(deps, queue, [...underWay, ...chosen]) > 0)
        chosen.push({ queue, begunAt: performance.now() });
  }
  return chosen;
}

async function ask(
  claimer: Claimer,
  queue: string,
  batches: Batches,
  { due, spread }: Pick<TakingDeps, 'due' | 'spread'>,
): Promise<Lease | undefined> {
  try {
    const { lease, waiting } = await claimer.take();
    spread.asked(queue, lease !== undefined);
    batches.answered(queue, lease !== undefined, waiting);
    return lease;
  } catch (error) {
    batches.answered(queue, false, 0);
    due.add(queue);
    throw error;
  }
}

/** For how many more jobs of a queue there are slots. */
function roomFor(deps: TakerDeps, queue: string, underWay: readonly UnderWay[]): number {
  const { runners, isHere, slots, limits, health, isCordoned, holds } = deps;
  if (health.problem || isCordoned()) return 0;
  const withoutSlot = underWay.filter(({ lease }) => lease === undefined || !holds(lease.runId));
  const all = withoutSlot.length;
  const { runner } = partsOf(queue);
  if (runner === undefined) return Math.max(0, ...runners().map((name) => slots.room(name, { ofIt: all, all })));
  if (!runners().includes(runner)) return 0;
  const ofIt = withoutSlot.filter((one) => (partsOf(one.queue).runner ?? runner) === runner).length;
  return limits.mayAsk(runner, ofIt) && isHere(runner) ? slots.room(runner, { ofIt, all }) : 0;
}

/** Takes on a job that is ours; false when it went back to its queue. */
export async function takeOn(
  { takeOn, logger }: Pick<TakerDeps, 'takeOn' | 'logger'>,
  lease: Lease,
  stopping: AbortSignal,
): Promise<boolean> {
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
