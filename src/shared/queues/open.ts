import type { Logger } from '../logger.js';
import type { RedisClient } from '../redis/connect.js';
import type { Notifications } from '../redis/notifications.js';
import { removeAll, unlist } from './forget.js';
import { checkRoom, dueAt, has, lookAgain, placeAnew, placingOf, position, promote, remove, withHeld } from './jobs.js';
import { openClaimer, resumeLease } from './leases.js';
import { onPlaced } from './on-placed.js';
import { bullQueue, openParts, type QueueParts, turnsIn } from './parts.js';
import { openPermits } from './permits.js';
import type { QueueCounts, QueueLimits, Queues } from './queues.js';
import { announce, retire } from './requiring.js';
import { runnerQueue } from './route.js';
import { ROOM } from './told.js';

/** Ended jobs of each kind that a queue keeps. */
const MOST_ENDED_JOBS = 10_000;
/** Jobs that one clean-up of a queue removes at most. */
const MOST_CLEANED = 10_000;

/** Opens the gateway to BullMQ on one connection. */
export function openQueues(
  redis: RedisClient,
  notifications: Notifications,
  prefix: string,
  limits: QueueLimits,
  logger: Logger,
): Queues {
  const parts = openParts(redis, notifications, prefix, limits, logger);
  const { taggedPrefix, opened } = parts;
  return {
    bullQueue: (name) => bullQueue(parts, name),
    names: () => namesOf(parts),
    announce: async (name) => void (await Promise.all([announce(parts, name), redis.srem(parts.removed, name)])),
    requiring: () => redis.smembers(parts.requiring),
    counts: async () => Promise.all((await namesOf(parts)).map((name) => countsOf(parts, name))),

    shareOf: (principal, name) => turnsIn(parts, name).shareOf(principal),

    checkRoom: (name, principal, more = 1, sets = 0) => checkRoom(parts, name, principal, more, sets),
    placing: (runId, name, request) => placingOf(parts, runId, name, request),
    placeAnew: (runId, name, request) => placeAnew(parts, runId, name, request),
    has: (runId, name) => has(parts, runId, name),
    position: (runId, name) => position(parts, runId, name),
    dueAt: (runId, name) => dueAt(parts, runId, name),
    promote: (runId, name) => promote(parts, runId, name),
    wakeWhenDue: async (name, delayMs) => void (await redis.publish(parts.channelOf(name), String(delayMs))),
    remove: (runId, name) => remove(parts, runId, name),
    clean: () => clean(parts),

    wasRemoved: async (name) => (await redis.sismember(parts.removed, name)) === 1,
    unlist: (name) => unlist(parts, name),
    removeAll: (name) => removeAll(parts, name),
    permits: openPermits(redis, parts.limitsOf, (runner) => redis.publish(parts.channelOf(runnerQueue(runner)), ROOM)),
    lookAgain: (names) => lookAgain(parts, names),
    withHeld: (names) => withHeld(parts, names),
    onPlaced: (name, callback, onTold) => onPlaced(parts, name, callback, onTold),
    claimer: (name, owner) => openClaimer(redis, name, taggedPrefix(name), owner, limits.lockMs, logger),
    resumeLease: (runId, name, token) =>
      resumeLease(bullQueue(parts, name), turnsIn(parts, name), runId, token, limits.lockMs),

    async stop() {
      await Promise.all([...opened.values()].map((queue) => queue.close()));
      opened.clear();
    },
  };
}

async function namesOf({ redis, known }: QueueParts): Promise<string[]> {
  return (await redis.smembers(known)).sort();
}

async function countsOf(parts: QueueParts, queue: string): Promise<QueueCounts> {
  const states = ['waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const;
  const counts = await bullQueue(parts, queue).getJobCounts(...states);
  const { waiting = 0, prioritized = 0, delayed = 0, active = 0, completed = 0, failed = 0 } = counts;
  return { queue, waiting: waiting + prioritized, delayed, active, completed, failed };
}

/** Removes jobs that ended longer ago than the record retention, the oldest when there are too many, and what is no longer needed. */
async function clean(parts: QueueParts): Promise<void> {
  await retire(parts);
  for (const name of await namesOf(parts))
    for (const state of ['completed', 'failed'] as const) {
      const queue = bullQueue(parts, name);
      await queue.clean(parts.limits.recordRetentionMs, MOST_CLEANED, state);
      const tooMany = (await queue.getJobCountByTypes(state)) - MOST_ENDED_JOBS;
      if (tooMany > 0) await queue.clean(0, tooMany, state);
    }
}
