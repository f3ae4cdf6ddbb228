import { Cluster } from 'ioredis';
import type { RedisClient } from '../redis/connect.js';
import { type ListPosition, newestAfter, type Stretch } from './index-pages.js';
import type { RunScripts } from './scripts.js';

/** An entry that is in all indexes that it has to be in, with its scores in those that tell: undefined where it is not in one. */
export interface MetEntry {
  readonly id: string;
  readonly told: readonly (number | undefined)[];
}

/** Where indexes meet: one is read, and looked up in the others. All of them are keys. */
export interface Meeting {
  readonly read: string;
  readonly others: readonly string[];
  readonly tell: readonly string[];
}

/** Those that are in all, newest first, and the last entry that was read; undefined when the index has no further ones. */
interface Met {
  readonly met: MetEntry[];
  readonly last: ListPosition | undefined;
}

/** Looks up a stretch of an index in others. One server does so itself; on a cluster they are on several. */
export function meetIndexes(redis: RedisClient & RunScripts, meeting: Meeting, stretch: Stretch): Promise<Met> {
  return redis instanceof Cluster ? byCommands(redis, meeting, stretch) : byScript(redis, meeting, stretch);
}

async function byScript(redis: RunScripts, { read, others, tell }: Meeting, stretch: Stretch): Promise<Met> {
  const { after, since, count } = stretch;
  const keys = [read, ...others, ...tell];
  const range = [after?.queuedAt ?? '+inf', since, after?.id ?? '', count];
  const [number, id, score, told] = await redis.meetIndexes(keys.length, ...keys, ...range, others.length);
  const words = told === '' ? [] : told.split(' ');
  const met: MetEntry[] = [];
  for (let at = 0; at < words.length; at += 1 + tell.length) {
    const scores = words.slice(at + 1, at + 1 + tell.length);
    met.push({ id: words[at] ?? '', told: scores.map((word) => (word === '-' ? undefined : Number(word))) });
  }
  return { met, last: number < count ? undefined : { id, queuedAt: Number(score) } };
}

async function byCommands(redis: RedisClient, { read, others, tell }: Meeting, stretch: Stretch): Promise<Met> {
  const page = await newestAfter(redis, read, stretch);
  if (page.length === 0) return { met: [], last: undefined };
  const ids = page.map(({ id }) => id);
  const scoresIn = (indexes: readonly string[]) => Promise.all(indexes.map((index) => redis.zmscore(index, ...ids)));
  const [needed, told] = await Promise.all([scoresIn(others), scoresIn(tell)]);
  const entries = ids.map((id, at) => ({
    id,
    told: told.map((scores) => (scores[at] == null ? undefined : Number(scores[at]))),
  }));
  return {
    met: entries.filter((_, at) => needed.every((scores) => scores[at] != null)),
    last: page.length < stretch.count ? undefined : page.at(-1),
  };
}
