import { UserError } from '../errors.js';
import { LOCAL } from '../principal.js';
import { bullQueue, type QueueParts } from './parts.js';
import { partsOf } from './route.js';
import { NEW_QUEUE } from './told.js';

/**
 * So many different queues of runs that require something there may be at once: each one that a worker listens to costs it
 * some questions to Redis, and whoever submits makes them up.
 */
const MOST_REQUIRING = 64;
/** How many of them one principal may have made, so that there is room for the others. */
const MOST_OF_ONE = 16;
/** How many jobs of each kind are read to find out whose runs are in a queue. */
const LOOKED_AT = 10;

/** Whether the runs of a queue require something. */
export const hasRequirements = (name: string) => partsOf(name).requires.length > 0;

/** Makes a queue known; workers are told of one that is new and whose runs require something. */
export async function announce(parts: QueueParts, name: string): Promise<void> {
  const { redis, known, requiring, names, channelOf } = parts;
  if (!hasRequirements(name)) {
    const untold = names.untold([name]);
    if (untold.length > 0) await redis.sadd(known, name);
    names.told(untold);
    return;
  }
  const [, isNew] = await Promise.all([redis.sadd(known, name), redis.sadd(requiring, name)]);
  if (isNew === 1) await redis.publish(channelOf(partsOf(name).base), NEW_QUEUE);
}

/** Throws a UserError for a queue with requirements that would be one too many, of all or of this principal. */
export async function checkNumber(parts: QueueParts, name: string, principal: string, sets: number): Promise<void> {
  const { redis, requiring } = parts;
  if (!hasRequirements(name) || (await redis.sismember(requiring, name)) === 1) return;
  if ((await redis.scard(requiring)) + sets < MOST_OF_ONE) return;
  await retire(parts);
  const names = await redis.smembers(requiring);
  if (names.length + sets >= MOST_REQUIRING)
    throw new UserError(
      'queue_full',
      `runs with ${MOST_REQUIRING} different sets of requirements wait or run, and no more are allowed`,
      'Require the same as other runs do, or wait until the runs of one set have ended.',
      'requires',
    );
  const own = await Promise.all(names.map((one) => isOnlyOf(parts, one, principal)));
  if (principal !== LOCAL.name && own.filter(Boolean).length + sets >= MOST_OF_ONE)
    throw new UserError(
      'too_many_queued',
      `your runs with ${MOST_OF_ONE} different sets of requirements wait or run, and no more are allowed`,
      'Require the same as others of your runs do, or wait until those of one set have ended.',
      'requires',
    );
}

/** Whether all runs in a queue are of one principal, judging by its first jobs. */
async function isOnlyOf(parts: QueueParts, name: string, principal: string): Promise<boolean> {
  const jobs = await bullQueue(parts, name).getJobs(['wait', 'prioritized', 'delayed', 'active'], 0, LOOKED_AT - 1);
  return jobs.every((job) => (job.data as { principal?: string }).principal === principal);
}

/**
 * Forgets the queues with requirements that have no jobs any more; those that still show ended ones stay known. Those that have
 * jobs and are not listened to, are from now on.
 */
export async function retire(parts: QueueParts): Promise<void> {
  const { redis, known, requiring } = parts;
  for (const name of await redis.smembers(requiring)) {
    if (await hasLivingJobs(parts, name)) continue;
    await redis.srem(requiring, name);
    if (await hasLivingJobs(parts, name)) await announce(parts, name); // placed meanwhile
  }
  const listened = new Set(await redis.smembers(requiring));
  // A failover may have forgotten one of the two sets, and whoever retires a queue may die before it looks again.
  for (const name of (await redis.smembers(known)).filter((one) => hasRequirements(one) && !listened.has(one)))
    if (await hasLivingJobs(parts, name)) await announce(parts, name);
    else if ((await bullQueue(parts, name).getJobCountByTypes('completed', 'failed')) === 0)
      await redis.srem(known, name);
}

const hasLivingJobs = async (parts: QueueParts, name: string) =>
  (await bullQueue(parts, name).getJobCountByTypes('wait', 'prioritized', 'delayed', 'active')) > 0;
