import type { RedisClient } from '../redis/connect.js';

/** Where a listing goes on: after the run with this time and id. */
export interface ListPosition {
  readonly queuedAt: number;
  readonly id: string;
}

/** Ids that one command brings when all of an index are looked at. */
const PAGE = 200;

/** What is read of an index: up to `count` entries after a position, with a score of `since` at least. */
export interface Stretch {
  readonly after: ListPosition | undefined;
  readonly since: number;
  readonly count: number;
}

/** Positions from ids and scores as Redis lists them. */
const positions = (flat: readonly string[]): ListPosition[] =>
  flat.flatMap((id, at) => (at % 2 === 0 ? [{ id, queuedAt: Number(flat[at + 1]) }] : []));

/** A stretch of an index, newest first. */
export async function newestAfter(redis: RedisClient, index: string, stretch: Stretch): Promise<ListPosition[]> {
  const { after, since, count } = stretch;
  // Runs of the same millisecond are ordered by id, so those up to the position's own id are passed over.
  const most = after === undefined ? '+inf' : after.queuedAt;
  const found: ListPosition[] = [];
  for (let offset = 0; found.length < count; offset += count) {
    const page = positions(await redis.zrevrangebyscore(index, most, since, 'WITHSCORES', 'LIMIT', offset, count));
    found.push(...page.filter(({ id, queuedAt }) => !after || queuedAt !== after.queuedAt || id < after.id));
    if (page.length < count) break;
  }
  return found.slice(0, count);
}

/** All entries of an index under a score, oldest first. Where it stands is an entry, not a number of entries. */
export async function* oldestFirst(redis: RedisClient, index: string, before?: number): AsyncGenerator<string> {
  for await (const page of oldestPages(redis, index, before)) yield* page.map(({ id }) => id);
}

/** The same in pages, with their scores. */
export async function* oldestPages(redis: RedisClient, index: string, before?: number): AsyncGenerator<ListPosition[]> {
  const most = before === undefined ? '+inf' : `(${before}`;
  let last: ListPosition | undefined;
  for (let offset = 0; ; ) {
    const least = last?.queuedAt ?? '-inf';
    const page = positions(await redis.zrangebyscore(index, least, most, 'WITHSCORES', 'LIMIT', offset, PAGE));
    const from = last;
    const fresh = page.filter(({ id, queuedAt }) => !from || queuedAt !== from.queuedAt || id > from.id);
    if (fresh.length > 0) yield fresh;
    if (page.length < PAGE) return;
    // A page full of what was seen already: more runs of one millisecond than a page holds.
    offset = fresh.length === 0 ? offset + PAGE : 0;
    last = fresh.at(-1) ?? last;
  }
}
