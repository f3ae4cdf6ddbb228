import { createRedisBackend, Job, type Queue, UnrecoverableError, Worker } from 'bullmq';
import type { Logger } from '../logger.js';
import type { RedisClient } from '../redis/connect.js';
import { NO_TURN_YET, type Turns, turnsOf } from './turns.js';

/** How a run ended, as the job mirrors it. */
export interface JobOutcome {
  readonly state: string;
  readonly message?: string;
}

/** Our lease of a job. The job is only placement and lease; the run record has the facts. */
export interface Lease {
  readonly runId: string;
  readonly queue: string;
  /** Survives us: the next worker of this host goes on with it. */
  readonly token: string;
  /** Prolongs the lock; false when it is lost, and another worker may mirror the run. */
  extend(): Promise<boolean>;
  /** Mirrors the end of the run; false when the lock was lost. */
  finish(outcome: JobOutcome): Promise<boolean>;
  /** Gives the job back to the head of its queue; false when the lock was lost. */
  giveBack(): Promise<boolean>;
  /** Delays the job for this long (ms), or until it is promoted. */
  delay(forMs: number): Promise<void>;
}

/** Takes jobs of one queue without blocking; a notification tells when there may be one. */
export interface Claimer {
  /** `waiting`: how many jobs there were just before, those that wait for a time too. */
  take(): Promise<{ readonly lease: Lease | undefined; readonly waiting: number }>;
  /** Jobs that are ours without this process knowing: the connection was lost before the answer to a `take`. */
  forgotten(isKnown: (runId: string) => boolean): Promise<readonly Lease[]>;
  /** Lets jobs come again whose holders have not prolonged their locks: to be asked twice, with a pause in between. */
  checkStalled(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * With the default of 1, BullMQ fails a job whose worker died twice, while its program may still run; with 0 nobody
 * would ever look at it again. What becomes of a run is decided from its record alone.
 */
const STALLS_ALLOWED = 1_000_000;

/** `lockMs` only decides when another worker looks at the run; whether a worker lives is told by its heartbeat. */
function leaseOf(job: Job, queue: string, token: string, lockMs: number, turns: Turns): Lease {
  const held = async (action: () => Promise<unknown>) => {
    try {
      await action();
      return true;
    } catch (error) {
      if (error instanceof Error && /lock|not in the active state|Missing key/i.test(error.message)) return false;
      throw error;
    }
  };
  return {
    runId: job.id ?? '',
    queue,
    token,
    extend: async () => (await job.extendLock(token, lockMs)) === 1,
    finish: ({ state, message }) =>
      held(() =>
        state === 'done'
          ? job.moveToCompleted({ state }, token, false)
          : job.moveToFailed(new UnrecoverableError(message ? `${state}: ${message}` : state), token, false),
      ),
    async giveBack() {
      const isBack = await held(() => job.moveToWait(token));
      if (isBack) await turns.takeBack(job.id ?? '', takenAt(job, token));
      return isBack;
    },
    delay: async (forMs) => {
      await held(async () => {
        await job.changePriority({ priority: NO_TURN_YET }); // it took none; thousands that come back go with all others
        await job.moveToDelayed(Date.now() + forMs, token);
      });
    },
  };
}

/** When a job was taken (ms), and of those that one worker took within a millisecond, which was before. */
const takenAt = ({ processedOn = 0 }: Job, token: string) =>
  processedOn + (Number(token.split(':').at(-1)) % 1_000) / 1_000;

/** The lease of a job that an earlier worker of this host held; undefined when the job is gone. */
export async function resumeLease(
  queue: Queue,
  turns: Turns,
  runId: string,
  token: string,
  lockMs: number,
): Promise<Lease | undefined> {
  const job = await Job.fromId(queue, runId);
  return job && leaseOf(job, queue.name, token, lockMs, turns);
}

let tokens = 0;

export function openClaimer(
  connection: RedisClient,
  queue: string,
  prefix: string,
  owner: string,
  lockMs: number,
  logger: Logger,
): Claimer {
  let backend: ReturnType<typeof createRedisBackend> | undefined;
  // It never blocks, so it needs no connection of its own for that, as BullMQ would open for each queue.
  const onOurs: typeof createRedisBackend = (name, opts) => {
    backend = createRedisBackend(name, opts);
    return backend;
  };
  const worker = new Worker(
    queue,
    null,
    {
      connection,
      prefix,
      name: owner,
      autorun: false,
      lockDuration: lockMs,
      stalledInterval: lockMs / 2,
      maxStalledCount: STALLS_ALLOWED,
    },
    onOurs,
  );
  worker.on('error', (error) => logger.debug({ queue, err: error.message }, 'BullMQ reports an error'));
  const turns = turnsOf(connection, (type) => worker.toKey(type));
  return {
    async take() {
      const waiting = await turns.take();
      if (waiting === 0) return { lease: undefined, waiting }; // another worker was faster
      tokens += 1;
      const token = `${owner}:${tokens}`;
      const job = await worker.getNextJob(token, { block: false });
      return { lease: job && leaseOf(job, queue, token, lockMs, turns), waiting };
    },
    async forgotten(isKnown) {
      const active = await connection.lrange(worker.toKey('active'), 0, -1);
      const leases = active.map(async (id) => {
        const token = isKnown(id) ? null : await connection.get(`${worker.toKey(id)}:lock`);
        if (!token?.startsWith(`${owner}:`)) return [];
        const job = await Job.fromId(worker, id);
        return job ? [leaseOf(job, queue, token, lockMs, turns)] : [];
      });
      return (await Promise.all(leases)).flat();
    },
    checkStalled: async () => void (await backend?.moveStalledJobsToWait()),
    stop: () => worker.close(true),
  };
}
