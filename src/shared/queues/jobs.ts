import { UserError } from '../errors.js';
import { omitUndefined } from '../omit-undefined.js';
import type { RunRequest } from '../run.js';
import { bullQueue, type QueueParts } from './parts.js';

/** Ended jobs of each kind that a queue keeps. */
const MOST_ENDED_JOBS = 10_000;

/** What a job shows: never the prompt, so it is in no dump of a queue and on no page. */
function jobData(runId: string, request: RunRequest) {
  const { runner, agentName, model, mode, path, prompt } = request;
  return omitUndefined({ runId, runner, agentName, promptBytes: Buffer.byteLength(prompt), model, mode, path });
}

function jobOptions({ limits }: QueueParts, runId: string, { priority, delayMs }: RunRequest) {
  const kept = { age: Math.ceil(limits.recordRetentionMs / 1000), count: MOST_ENDED_JOBS };
  return {
    jobId: runId,
    attempts: 1,
    stackTraceLimit: 0, // of our own code, where the job is mirrored: it tells nobody why the program failed
    removeOnComplete: kept,
    removeOnFail: kept,
    ...omitUndefined({ priority, delay: delayMs }),
  };
}

/** Places a run and notifies the workers. Placing it twice leaves one job. */
export async function enqueue(parts: QueueParts, runId: string, name: string, request: RunRequest): Promise<void> {
  const { redis, known, channelOf } = parts;
  await redis.sadd(known, name);
  await bullQueue(parts, name).add(request.agentName, jobData(runId, request), jobOptions(parts, runId, request));
  await redis.publish(channelOf(name), String(request.delayMs ?? 0));
}

/** Throws a UserError when no more runs may wait in a queue. */
export async function checkRoom(parts: QueueParts, name: string, more: number): Promise<void> {
  const length = await bullQueue(parts, name).getJobCountByTypes('waiting', 'prioritized', 'delayed');
  if (length + more <= parts.limits.maxQueueLength) return;
  throw new UserError(
    'queue_full',
    `queue ${name} is full: ${length} runs wait in it`,
    'Wait until some have ended, start more workers, or raise AGENTPOOL_MAX_QUEUE_LENGTH.',
  );
}

/** Takes a waiting run out of its queue; false when it is not waiting there any more. */
export async function remove(parts: QueueParts, runId: string, name: string): Promise<boolean> {
  const job = await bullQueue(parts, name).getJob(runId);
  if (!job) return false;
  return job.remove().then(
    () => true,
    () => false, // active: somebody just claimed it, and will find the run killed
  );
}

/** Lets a delayed run be taken at once. */
export async function promote(parts: QueueParts, runId: string, name: string): Promise<void> {
  const { redis, channelOf, logger } = parts;
  const job = await bullQueue(parts, name).getJob(runId);
  await job?.promote().catch((error: unknown) => logger.debug({ runId, err: error }, 'the job was not delayed'));
  await redis.publish(channelOf(name), '0');
}

/** How many runs start before this one, plus one; undefined when it does not wait, or waits for a time. */
export async function position(parts: QueueParts, runId: string, name: string): Promise<number | undefined> {
  const { redis } = parts;
  const queue = bullQueue(parts, name);
  const [at, length, rank] = await Promise.all([
    redis.lpos(queue.toKey('wait'), runId),
    redis.llen(queue.toKey('wait')),
    redis.zrank(queue.toKey('prioritized'), runId),
  ]);
  if (at !== null) return length - at;
  return rank === null ? undefined : length + rank + 1;
}
