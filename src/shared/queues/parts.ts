import { Queue } from 'bullmq';
import type { Logger } from '../logger.js';
import type { RedisClient } from '../redis/connect.js';
import type { Notifications } from '../redis/notifications.js';
import { createToldNames, type ToldNames } from '../redis/told-names.js';
import type { RunRequest } from '../run.js';
import type { QueueLimits } from './queues.js';
import { type Turns, turnsOf } from './turns.js';

/** A run that is to be placed. */
export interface Placement {
  readonly runId: string;
  readonly request: RunRequest;
}

/** What the functions of the queues work on. */
export interface QueueParts {
  readonly redis: RedisClient;
  readonly notifications: Notifications;
  readonly limits: QueueLimits;
  readonly logger: Logger;
  /** The set of the names of all queues. */
  readonly known: string;
  /** The set of the names of those whose runs require something, as long as they may have jobs. */
  readonly requiring: string;
  /** The set of the names of removed queues, until a worker listens to them again. */
  readonly removed: string;
  /** Before the keys of what the pool allows a runner: a hash tag, so that a cluster keeps them together. */
  readonly limitsOf: (runner: string) => string;
  readonly channelOf: (queue: string) => string;
  /** The prefix of BullMQ, by queue: with a hash tag, so that a cluster keeps the keys of one queue together. */
  readonly taggedPrefix: (queue: string) => string;
  readonly opened: Map<string, Queue>;
  /** By queue: what places runs, those of one turn of the event loop together. */
  readonly placing: Map<string, (placement: Placement) => Promise<void>>;
  /** By queue: what makes it known. */
  readonly announcing: Map<string, () => Promise<void>>;
  /** By queue: its length when it was asked for last, and what was placed since. */
  readonly lengths: Map<string, { readonly askedAt: number; length: number }>;
  /** By queue: what asks for its length. */
  readonly counting: Map<string, () => Promise<number>>;
  /** By queue: the turns of the runs that wait in it. */
  readonly turns: Map<string, Turns>;
  /** The names of queues that are known to all. */
  readonly names: ToldNames;
}

/** Opens the parts of the queues on one connection. */
export function openParts(
  redis: RedisClient,
  notifications: Notifications,
  prefix: string,
  limits: QueueLimits,
  logger: Logger,
): QueueParts {
  return {
    redis,
    notifications,
    limits,
    logger,
    known: `${prefix}:queues`,
    requiring: `${prefix}:queues-with-requirements`,
    removed: `${prefix}:removed-queues`,
    limitsOf: (runner) => `{${prefix}:limits:${runner}}`,
    channelOf: (queue) => `${prefix}:queue-bell:${queue}`,
    taggedPrefix: (queue) => `{${prefix}:${queue}}`,
    opened: new Map(),
    placing: new Map(),
    announcing: new Map(),
    lengths: new Map(),
    counting: new Map(),
    turns: new Map(),
    names: createToldNames(),
  };
}

/** The queue of a name, opened when it is asked for first. */
export function bullQueue({ redis, logger, taggedPrefix, opened }: QueueParts, name: string): Queue {
  const there = opened.get(name);
  if (there) return there;
  const queue = new Queue(name, {
    connection: redis,
    prefix: taggedPrefix(name),
    streams: { events: { maxLen: 1_000 } },
  });
  queue.on('error', (error) => logger.debug({ queue: name, err: error.message }, 'BullMQ reports an error'));
  opened.set(name, queue);
  return queue;
}

/** The turns of the runs that wait in a queue. */
export function turnsIn(parts: QueueParts, name: string): Turns {
  const queue = bullQueue(parts, name);
  const turns = parts.turns.get(name) ?? turnsOf(parts.redis, (type) => queue.toKey(type));
  parts.turns.set(name, turns);
  return turns;
}
