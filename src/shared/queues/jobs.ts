import { type IRedisTransaction, Job } from 'bullmq';
import { Cluster } from 'ioredis';
import { batchedByTurn, sharedByTurn } from '../by-turn.js';
import { UserError } from '../errors.js';
import { omitUndefined } from '../omit-undefined.js';
import { type CommandLine, inOrder } from '../redis/in-order.js';
import { serverNow } from '../redis/now.js';
import type { RunRequest } from '../run.js';
import { bullQueue, type Placement, type QueueParts, turnsIn } from './parts.js';
import { type Placing, stepsOf } from './placing.js';
import type { Looked } from './queues.js';
import { announce, checkNumber, hasRequirements } from './requiring.js';
import { NO_TURN_YET, TURN_HAS_COME } from './turns.js';

/** What a job shows: never the prompt, so it is in no dump of a queue and on no page. */
function jobData(runId: string, request: RunRequest) {
  const { runner, agentName, model, mode, path, prompt, priority, principal, requires } = request;
  const promptBytes = Buffer.byteLength(prompt);
  return omitUndefined({ runId, runner, agentName, promptBytes, model, mode, path, priority, principal, requires });
}

/** `now` is the time of Redis, by which a delayed job is due. */
function jobOptions(runId: string, { delayMs }: RunRequest, now: number | undefined) {
  return {
    jobId: runId,
    attempts: 1,
    stackTraceLimit: 0, // of our own code, where the job is mirrored: it tells nobody why the program failed
    removeOnComplete: false, // the sweep does, for many at once
    removeOnFail: false,
    priority: NO_TURN_YET, // the caller's orders the runs within its share
    ...omitUndefined({ delay: delayMs, timestamp: now }),
  };
}

/** The commands that place a run. Executed twice, they leave one job. */
export async function placingOf(parts: QueueParts, runId: string, name: string, request: RunRequest): Promise<Placing> {
  const { redis, channelOf, known, names } = parts;
  const queue = bullQueue(parts, name);
  const now = request.delayMs === undefined ? undefined : await serverNow(redis);
  await queue.waitUntilReady(); // its scripts are known to the connection
  const needs = hasRequirements(name);
  const announced = kept(parts.announcing, name, () => sharedByTurn(() => announce(parts, name)));
  if (needs) await announced();
  const untold = needs ? [] : names.untold([name]);
  const job = new Job(queue, request.agentName, jobData(runId, request), jobOptions(runId, request, now), runId);
  return {
    ...(untold.length > 0 && { known: ['sadd', known, name] }),
    job: await jobCommand(job),
    notification: ['publish', channelOf(name), String(request.delayMs ?? 0)], // whoever takes the next run gives the turns
    async placed() {
      names.told(untold);
      if (needs) await announced(); // it may have been retired just before it had this job
    },
  };
}

/** The command by which BullMQ adds a job: it hands it to a transaction of ours. */
async function jobCommand(job: Job): Promise<CommandLine> {
  const lines: CommandLine[] = [];
  const transaction = { runCommand: (name: string, args: CommandLine) => void lines.push([name, ...args]) };
  await job.addJob(transaction as unknown as IRedisTransaction);
  const [line] = lines;
  if (!line) throw new Error(`BullMQ adds job ${job.id} in another way than by one command`);
  return line;
}

/** Places runs in one queue, and notifies the workers once of all that can start at the same time. */
async function enqueueAll(parts: QueueParts, name: string, placements: readonly Placement[]): Promise<void> {
  const placings = await Promise.all(placements.map(({ runId, request }) => placingOf(parts, runId, name, request)));
  const steps = await inOrder(parts.redis, ...stepsOf(placings));
  for (const reply of steps.flat()) if (reply.status === 'rejected') throw reply.reason;
  await Promise.all(placings.map(({ placed }) => placed()));
}

/** Places a run and notifies the workers. Placing it twice leaves one job. All that are placed in one turn go together. */
function enqueue(parts: QueueParts, runId: string, name: string, request: RunRequest): Promise<void> {
  const place = kept(parts.placing, name, () =>
    batchedByTurn<Placement, void>(async (placements) => {
      await enqueueAll(parts, name, placements);
      return placements.map(() => ({ status: 'fulfilled', value: undefined }));
    }),
  );
  return place({ runId, request });
}

/** See `Queues.has`. */
export async function has(parts: QueueParts, runId: string, name: string): Promise<boolean> {
  const job = await bullQueue(parts, name).getJob(runId);
  return job !== undefined && job.finishedOn === undefined;
}

/** See `Queues.placeAnew`. */
export async function placeAnew(parts: QueueParts, runId: string, name: string, request: RunRequest): Promise<void> {
  const job = await bullQueue(parts, name).getJob(runId);
  if (job && job.finishedOn === undefined) {
    // The job is on another server of a cluster than the name of its queue, which that one may have forgotten in a failover.
    if (hasRequirements(name)) await announce(parts, name);
    return;
  }
  await job?.remove();
  await enqueue(parts, runId, name, request);
}

/** What a map has for a name, made when it is asked for first. */
function kept<Value>(map: Map<string, Value>, name: string, make: () => Value): Value {
  const there = map.get(name) ?? make();
  map.set(name, there);
  return there;
}

/** Where BullMQ has the jobs of a queue that wait: a list, and two sorted sets. */
function placesOf({ taggedPrefix }: QueueParts, name: string): string[] {
  return ['wait', 'prioritized', 'delayed'].map((place) => `${taggedPrefix(name)}:${name}:${place}`);
}

/** A queue is counted anew at most this often (ms) as long as there is room; meanwhile what comes is added to the count. */
const COUNT_EVERY_MS = 1_000;

/** How many runs wait in a queue, asked once for all who ask in one turn. */
function lengthOf(parts: QueueParts, name: string): Promise<number> {
  const length = kept(parts.counting, name, () =>
    sharedByTurn(async () => {
      const { redis } = parts;
      const [wait = '', prioritized = '', delayed = ''] = placesOf(parts, name);
      const counts = [redis.llen(wait), redis.zcard(prioritized), redis.zcard(delayed)];
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    }),
  );
  return length();
}

/** Throws a UserError when no more runs may wait in a queue. */
export async function checkRoom(
  parts: QueueParts,
  name: string,
  principal: string,
  more: number,
  sets: number,
): Promise<void> {
  await checkNumber(parts, name, principal, sets);
  const now = performance.now();
  const counted = parts.lengths.get(name);
  const { maxQueueLength } = parts.limits;
  if (counted && now - counted.askedAt < COUNT_EVERY_MS && counted.length + more <= maxQueueLength) {
    counted.length += more;
    return;
  }
  const length = await lengthOf(parts, name);
  parts.lengths.set(name, { askedAt: now, length: length + more });
  if (length + more <= maxQueueLength) return;
  throw new UserError(
    'queue_full',
    `queue ${name} is full: ${length} runs wait in it`,
    'Wait until some have ended, start more workers, or raise AGENTPOOL_MAX_QUEUE_LENGTH.',
  );
}

/** See `Queues.lookAgain`. One question as a rule, however many queues they are. */
export async function lookAgain(parts: QueueParts, names: readonly string[]): Promise<Looked> {
  const { redis, requiring } = parts;
  const keysOf = (name: string) => placesOf(parts, name);
  // Of a cluster, each queue is on a server of its own.
  if (!(redis instanceof Cluster) && (await redis.exists(requiring, ...names.flatMap(keysOf))) === 0)
    return { withJobs: [], anyRequires: false };
  const [anyRequires, withJobs] = await Promise.all([redis.exists(requiring), namesWith(parts, names, keysOf)]);
  return { withJobs, anyRequires: anyRequires > 0 };
}

/** See `Queues.withHeld`. */
export async function withHeld(parts: QueueParts, names: readonly string[]): Promise<readonly string[]> {
  const { redis, taggedPrefix } = parts;
  const keysOf = (name: string) => [`${taggedPrefix(name)}:${name}:active`];
  if (names.length === 0) return [];
  if (!(redis instanceof Cluster) && (await redis.exists(...names.flatMap(keysOf))) === 0) return [];
  return namesWith(parts, names, keysOf);
}

/** Those of some queues of which any of some keys is there. */
async function namesWith(
  { redis }: QueueParts,
  names: readonly string[],
  keysOf: (name: string) => readonly string[],
): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => redis.exists(...keysOf(name))));
  return names.filter((_, at) => (found[at] ?? 0) > 0);
}

/** Takes a waiting run out of its queue; false when it is not waiting there any more. */
export async function remove(parts: QueueParts, runId: string, name: string): Promise<boolean> {
  const job = await bullQueue(parts, name).getJob(runId);
  if (!job) return false;
  await turnsIn(parts, name).leave(runId);
  return job.remove().then(
    () => true,
    () => false, // active: somebody just claimed it, and will find the run killed
  );
}

/** When the delay of a run is over (Redis server milliseconds); undefined when it has none. */
export async function dueAt(parts: QueueParts, runId: string, name: string): Promise<number | undefined> {
  const score = await parts.redis.zscore(bullQueue(parts, name).toKey('delayed'), runId);
  return score === null ? undefined : Math.floor(Number(score) / DELAYED_SCORE_PER_MS);
}

/** BullMQ orders delayed jobs by their time in these units, so that those of one millisecond keep their order. */
const DELAYED_SCORE_PER_MS = 0x1000;

/** Lets a delayed run be taken at once. */
export async function promote(parts: QueueParts, runId: string, name: string): Promise<void> {
  const { redis, channelOf, logger } = parts;
  const job = await bullQueue(parts, name).getJob(runId);
  const promoted = async () => {
    if (!job || !(await job.isDelayed())) return;
    await job.changePriority({ priority: TURN_HAS_COME });
    await job.promote();
  };
  await promoted().catch((error: unknown) => logger.debug({ runId, err: error }, 'the job was not delayed'));
  await redis.publish(channelOf(name), '0');
}

/** How many runs start before this one, plus one; undefined when it does not wait, or waits for a time. */
export function position(parts: QueueParts, runId: string, name: string): Promise<number | undefined> {
  return turnsIn(parts, name).position(runId);
}
