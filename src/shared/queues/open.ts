import { Queue } from 'bullmq';
import { UserError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { RedisClient } from '../redis/connect.js';
import type { Notifications } from '../redis/notifications.js';
import type { RunOrder } from '../run.js';
import { type Claimer, type Lease, openClaimer, resumeLease } from './leases.js';

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

/** What a job shows: never the prompt, so it is in no dump of a queue and on no page. */
function jobData(runId: string, order: RunOrder) {
  const { runner, agentName, model, mode, path, prompt } = order;
  const promptBytes = Buffer.byteLength(prompt);
  return {
    runId,
    runner,
    agentName,
    promptBytes,
    ...(model && { model }),
    ...(mode && { mode }),
    ...(path && { path }),
  };
}

/** The only gateway to BullMQ: placing, finding and claiming jobs. */
export function openQueues(
  redis: RedisClient,
  notifications: Notifications,
  prefix: string,
  limits: QueueLimits,
  logger: Logger,
) {
  const known = `${prefix}:queues`;
  const open = new Map<string, Queue>();
  const channelOf = (queue: string) => `${prefix}:queue-bell:${queue}`;
  const tagged = (queue: string) => `{${prefix}:${queue}}`;

  function bullQueue(name: string): Queue {
    const there = open.get(name);
    if (there) return there;
    const queue = new Queue(name, { connection: redis, prefix: tagged(name), streams: { events: { maxLen: 1_000 } } });
    queue.on('error', (error) => logger.debug({ queue: name, err: error.message }, 'BullMQ reports an error'));
    open.set(name, queue);
    return queue;
  }

  return {
    bullQueue,

    /** Names of all queues that were ever used, in order. */
    async names(): Promise<string[]> {
      return (await redis.smembers(known)).sort();
    },

    /** Makes a queue known before it has a job. */
    async announce(name: string): Promise<void> {
      await redis.sadd(known, name);
    },

    /** Places a run. Placing it twice leaves one job. Throws a UserError when the queue is full. */
    async enqueue(runId: string, name: string, order: RunOrder): Promise<void> {
      const queue = bullQueue(name);
      await redis.sadd(known, name);
      await queue.add(order.agentName, jobData(runId, order), {
        jobId: runId,
        attempts: 1,
        stackTraceLimit: 0, // of our own code, where the job is mirrored: it tells nobody why the program failed
        removeOnComplete: { age: Math.ceil(limits.recordRetentionMs / 1000), count: 10_000 },
        removeOnFail: { age: Math.ceil(limits.recordRetentionMs / 1000), count: 10_000 },
        ...(order.priority !== undefined && { priority: order.priority }),
        ...(order.delayMs !== undefined && { delay: order.delayMs }),
      });
      await redis.publish(channelOf(name), String(order.delayMs ?? 0));
    },

    /** Throws a UserError when no more runs may wait in a queue. */
    async checkRoom(name: string, more = 1): Promise<void> {
      const length = await bullQueue(name).getJobCountByTypes('waiting', 'prioritized', 'delayed');
      if (length + more <= limits.maxQueueLength) return;
      throw new UserError(
        'queue_full',
        `queue ${name} is full: ${length} runs wait in it`,
        'Wait until some have ended, start more workers, or raise AGENTPOOL_MAX_QUEUE_LENGTH.',
      );
    },

    /** Takes a waiting run out of its queue; false when it is not waiting there any more. */
    async remove(runId: string, name: string): Promise<boolean> {
      const job = await bullQueue(name).getJob(runId);
      if (!job) return false;
      return job.remove().then(
        () => true,
        () => false, // active: somebody just claimed it, and will find the run killed
      );
    },

    /** Lets a run that was laid aside be taken at once. */
    async promote(runId: string, name: string): Promise<void> {
      const job = await bullQueue(name).getJob(runId);
      await job?.promote().catch((error: unknown) => logger.debug({ runId, err: error }, 'the job was not laid aside'));
      await redis.publish(channelOf(name), '0');
    },

    /** Whether BullMQ has a job for a run. */
    async has(runId: string, name: string): Promise<boolean> {
      return (await bullQueue(name).getJob(runId)) !== undefined;
    },

    /** How many runs start before this one, plus one; undefined when it does not wait, or waits for a time. */
    async position(runId: string, name: string): Promise<number | undefined> {
      const queue = bullQueue(name);
      const [at, length, rank] = await Promise.all([
        redis.lpos(queue.toKey('wait'), runId),
        redis.llen(queue.toKey('wait')),
        redis.zrank(queue.toKey('prioritized'), runId),
      ]);
      if (at !== null) return length - at;
      return rank === null ? undefined : length + rank + 1;
    },

    async counts(): Promise<QueueCounts[]> {
      const names = await this.names();
      return Promise.all(
        names.map(async (queue) => {
          const counts = await bullQueue(queue).getJobCounts(
            'waiting',
            'prioritized',
            'delayed',
            'active',
            'completed',
            'failed',
          );
          const { waiting = 0, prioritized = 0, delayed = 0, active = 0, completed = 0, failed = 0 } = counts;
          return { queue, waiting: waiting + prioritized, delayed, active, completed, failed };
        }),
      );
    },

    /** Removes jobs that ended longer ago than the record retention: BullMQ itself does so only when another one ends. */
    async clean(): Promise<void> {
      for (const name of await this.names())
        for (const state of ['completed', 'failed'] as const)
          await bullQueue(name).clean(limits.recordRetentionMs, 10_000, state);
    },

    /** Calls back when a job was placed in a queue, and once more when a delayed one is due. */
    async onPlaced(name: string, onPlaced: () => void): Promise<() => void> {
      const timers = new Set<NodeJS.Timeout>();
      const stopListening = await notifications.listen(channelOf(name), (message) => {
        const delayMs = Number(message);
        if (!delayMs) return onPlaced();
        const timer = setTimeout(
          () => {
            timers.delete(timer);
            onPlaced();
          },
          Math.min(delayMs + 1, 2 ** 31 - 1),
        );
        timers.add(timer);
      });
      return () => {
        stopListening();
        for (const timer of timers) clearTimeout(timer);
      };
    },

    claimer: (name: string, owner: string): Claimer =>
      openClaimer(redis, name, tagged(name), owner, limits.lockMs, logger),
    resumeLease: (runId: string, name: string, token: string): Promise<Lease | undefined> =>
      resumeLease(bullQueue(name), runId, token, limits.lockMs),

    async stop(): Promise<void> {
      await Promise.all([...open.values()].map((queue) => queue.close()));
      open.clear();
    },
  };
}
export type Queues = ReturnType<typeof openQueues>;
