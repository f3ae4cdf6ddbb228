import type { Queue } from 'bullmq';
import type { RunRequest } from '../run.js';
import type { Claimer, Lease } from './leases.js';
import type { Permits } from './permits.js';
import type { Placing } from './placing.js';
import type { Told } from './told.js';
import type { Share } from './turns.js';

export interface QueueCounts {
  readonly queue: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
}

export interface QueueLimits {
  readonly maxQueueLength: number;
  readonly recordRetentionMs: number;
  readonly lockMs: number;
}

/** What a look at queues has found. */
export interface Looked {
  /** Those in which jobs wait, also for a time. */
  readonly withJobs: readonly string[];
  /** Whether there are queues of runs that require something. */
  readonly anyRequires: boolean;
}

/** The only gateway to BullMQ: placing, finding and claiming jobs. Every method may throw when Redis is unreachable. */
export interface Queues {
  /** The queue itself, for Bull Board. */
  bullQueue(name: string): Queue;
  /** Names of all queues that were ever used, in order. */
  names(): Promise<string[]>;
  /** Makes a queue known before it has a job: a worker listens to it. */
  announce(name: string): Promise<void>;
  /** The names of the queues whose runs require something, as long as they may have jobs. */
  requiring(): Promise<string[]>;
  counts(): Promise<QueueCounts[]>;
  /** What of a principal's runs waits in a queue; runs that wait for a time or for their session do not count. */
  shareOf(principal: string, name: string): Promise<Share>;

  /**
   * Throws a UserError when no more runs may wait in a queue, or no more queues may be; `sets`: how many with requirements
   * are about to be made besides.
   */
  checkRoom(name: string, principal: string, more?: number, sets?: number): Promise<void>;
  /** The commands that place a run, for `RunStore.create`: written behind its record, in the same message. */
  placing(runId: string, name: string, request: RunRequest): Promise<Placing>;
  /**
   * Places a run that has no job which waits or is held. One that is over is removed: a worker ended it because there was no
   * record, which was refused by its server or forgotten in a failover, and was written again since.
   */
  placeAnew(runId: string, name: string, request: RunRequest): Promise<void>;
  /** Whether BullMQ has a job for a run that waits or is held. */
  has(runId: string, name: string): Promise<boolean>;
  /** How many runs start before this one, plus one; undefined when it does not wait, or waits for a time. */
  position(runId: string, name: string): Promise<number | undefined>;
  /** When the delay of a run is over (Redis server milliseconds); undefined when it has none. */
  dueAt(runId: string, name: string): Promise<number | undefined>;
  /** Lets a delayed run be taken at once. */
  promote(runId: string, name: string): Promise<void>;
  /** Wakes all workers of a queue at once when a job that was delayed for this long (ms) is due. */
  wakeWhenDue(name: string, delayMs: number): Promise<void>;
  /** Takes a waiting run out of its queue; false when it is not waiting there any more. */
  remove(runId: string, name: string): Promise<boolean>;
  /**
   * Removes jobs that ended longer ago than the record retention: BullMQ itself does so only when another one ends. Queues of
   * runs that require something are forgotten when they are empty.
   */
  clean(): Promise<void>;

  /** What there is to take in some queues, and elsewhere: a cheap look, for when a notification may have got lost. */
  lookAgain(names: readonly string[]): Promise<Looked>;
  /** Those of some queues of which a worker holds jobs. */
  withHeld(names: readonly string[]): Promise<readonly string[]>;
  /**
   * Calls back when a job was placed in a queue, and once more when a delayed one is due; and tells what else is new for
   * those who listen to it.
   */
  onPlaced(name: string, onPlaced: () => void, onTold?: (what: Told) => void): Promise<() => void>;
  claimer(name: string, owner: string): Claimer;
  /** The lease of a job that an earlier worker of this host held; undefined when the job is gone. */
  resumeLease(runId: string, name: string, token: string): Promise<Lease | undefined>;

  /** Removes a queue from the known ones, until a run is placed in it or a worker listens to it. */
  unlist(name: string): Promise<void>;
  /** Whether a queue was removed and no worker has listened to it since. */
  wasRemoved(name: string): Promise<boolean>;
  /** Removes all jobs of a queue, whose runs have ended: those that are held, too. */
  removeAll(name: string): Promise<void>;

  /** Limits of the whole pool. */
  readonly permits: Permits;

  stop(): Promise<void>;
}
