import { batchedByTurn } from '../by-turn.js';
import type { RedisClient } from '../redis/connect.js';
import { type CommandLine, inOrder } from '../redis/in-order.js';
import { withScripts } from '../redis/scripts.js';

/** The priority, as BullMQ has it, of a job that has no turn yet: `scripts/turns.lua` gives it one. */
export const NO_TURN_YET = 2_097_151;

/** The priority of a job whose turn has come, and that goes before all others. */
export const TURN_HAS_COME = 1;

/** BullMQ: score = priority * 2^32 + a number. */
const PRIORITY_STEP = 2 ** 32;

/** What of a principal's runs waits in a queue. */
export interface Share {
  readonly waiting: number;
  /** The place of the next of them: 1 starts next. */
  readonly position?: number;
}

/** Fair turns between the principals whose runs wait in one queue. Every method may throw when Redis is unreachable. */
export interface Turns {
  /** Decides which run is taken next; to be asked just before a job is. Answers how many wait, those for a time too. */
  take(): Promise<number>;
  /** Forgets a run that is about to be removed; the later ones of its principal move up. */
  leave(runId: string): Promise<void>;
  /** Gives a run that was given back its place among those that were: the one that was taken first is the next. */
  takeBack(runId: string, takenAt: number): Promise<void>;
  /** The place of a run; undefined when it does not wait. */
  position(runId: string): Promise<number | undefined>;
  shareOf(principal: string): Promise<Share>;
}

interface TurnScripts {
  /** -1: to be asked again. */
  turns(...keysAndArguments: string[]): Promise<number>;
  /** For each pair of arguments: its place, and how many of its share wait. */
  placesInQueue(...keysAndArguments: string[]): Promise<number[]>;
}

const taught = new WeakMap<RedisClient, RedisClient & TurnScripts>();

function scriptsOn(redis: RedisClient): RedisClient & TurnScripts {
  const there = taught.get(redis);
  if (there) return there;
  const files = { turns: 'turns.lua', placesInQueue: 'place.lua' };
  const client = withScripts<TurnScripts>(redis, new URL('./scripts/', import.meta.url), files);
  taught.set(redis, client);
  return client;
}

/** The turns of one queue; `toKey` makes a key of BullMQ's for that queue, so all of them are on one shard. */
export function turnsOf(redis: RedisClient, toKey: (type: string) => string): Turns {
  const client = scriptsOn(redis);
  const [order, places, members, times, served, taken] = ['order', 'places', 'members', 'times', 'served', 'taken'].map(
    (part) => toKey(`turns:${part}`),
  ) as [string, string, string, string, string, string];
  const [prioritized, wait] = [toKey('prioritized'), toKey('wait')];
  const keys = [prioritized, wait, toKey('pc'), order, places, members, times, served, taken, toKey('delayed')];
  const argumentsOf = (action: 'give' | 'take' | 'leave', runId = '') => [...keys, action, toKey(''), runId];
  const change = async (action: 'take' | 'leave', runId = '') => {
    for (;;) {
      const waiting = await client.turns(...argumentsOf(action, runId));
      if (waiting >= 0) return waiting;
    }
  };
  /** Where a run is depends on the turns of all that were placed before it, so these are given first. */
  const placesOf = async (asked: readonly string[]): Promise<number[]> => {
    const giving: CommandLine = ['turns', ...argumentsOf('give')];
    const looking: CommandLine = ['placesInQueue', prioritized, wait, order, places, members, ...asked];
    for (;;) {
      const [[given] = [], [found] = []] = await inOrder(client, [giving], [looking]);
      for (const reply of [given, found]) if (reply?.status === 'rejected') throw reply.reason;
      if (given?.status === 'fulfilled' && Number(given.value) < 0) continue; // there are more without a turn
      if (found?.status === 'fulfilled') return found.value as number[];
    }
  };
  // All that are asked for in one turn of the event loop are looked at in one step.
  const place = batchedByTurn<readonly [runId: string, principal: string], Share>(async (asked) => {
    const found = await placesOf(asked.flat());
    return asked.map((_, at) => {
      const [position = 0, waiting = 0] = found.slice(2 * at);
      return { status: 'fulfilled', value: { waiting, ...(position > 0 && { position }) } };
    });
  });
  return {
    take: () => change('take'),
    leave: async (runId) => void (await change('leave', runId)),
    // BullMQ gives all of them one score. Milliseconds of 49 days and their fractions fit in behind the priority.
    takeBack: async (runId, takenAt) =>
      void (await client.zadd(prioritized, 'XX', TURN_HAS_COME * PRIORITY_STEP + (takenAt % PRIORITY_STEP), runId)),
    position: async (runId) => (await place([runId, ''])).position,
    shareOf: (principal) => place(['', principal]),
  };
}
