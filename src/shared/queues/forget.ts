import { bullQueue, type QueueParts } from './parts.js';

/** What `turns.ts` keeps beside the jobs of a queue. */
const TURNS = ['order', 'places', 'members', 'times', 'served', 'taken'];

/** Removes a queue from the known ones: from now on, submissions that are checked against these are refused. */
export async function unlist({ redis, known, requiring, removed }: QueueParts, name: string): Promise<void> {
  const forgotten = [redis.srem(known, name), redis.srem(requiring, name)];
  await Promise.all([redis.sadd(removed, name), ...forgotten]);
}

/** Removes all jobs of a queue, held ones too, whose runs have ended; their records stay. */
export async function removeAll(parts: QueueParts, name: string): Promise<void> {
  const queue = bullQueue(parts, name);
  await queue.obliterate({ force: true });
  await parts.redis.del(...TURNS.map((part) => queue.toKey(`turns:${part}`)));
}
