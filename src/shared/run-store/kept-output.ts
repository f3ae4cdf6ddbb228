import type { StoreParts } from './parts.js';

/** Ended runs whose output and prompt are kept: by when they ended, and how many bytes each has. They may lag. */
const keysOfKept = (prefix: string) => {
  const kept = `{${prefix}:runs:kept}`;
  return { ended: `${kept}:ended`, bytes: `${kept}:bytes` };
};

/** How many runs are dropped or forgotten in one step. */
const AT_ONCE = 100;

/** Writes down that the output of an ended run is kept; at the same end once more it changes nothing. */
export async function noteKept({ redis, prefix }: StoreParts, id: string, at: number, bytes: number): Promise<void> {
  const { ended, bytes: sizes } = keysOfKept(prefix);
  await Promise.all([redis.zadd(ended, 'NX', at, id), redis.hset(sizes, id, bytes)]);
}

/**
 * Lets go of the output and the prompts of the runs that ended first, until what all ended runs have fits. Answers how
 * many were let go. What is over its time goes by itself, and is forgotten here. Several workers may do this at once: each
 * decides from one look at all of them, so they choose the same runs.
 */
export async function letGoOverCap(parts: StoreParts, mostBytes: number): Promise<number> {
  const { redis, prefix, keysOf, retention, now } = parts;
  const { ended, bytes: sizes } = keysOfKept(prefix);
  for (const ids of inParts(await redis.zrangebyscore(ended, '-inf', (await now()) - retention.outputRetentionMs)))
    await forget(parts, ids);
  const [oldestFirst, sizeOf] = await Promise.all([redis.zrange(ended, '0', '-1'), redis.hgetall(sizes)]);
  const chosen = overCap(oldestFirst, (id) => Number(sizeOf[id] ?? 0), mostBytes);
  for (const ids of inParts(chosen)) {
    await Promise.all(
      ids.map((id) => {
        const { run, events, request } = keysOf(id);
        return redis.letGo(run, events, request);
      }),
    );
    await forget(parts, ids);
  }
  return chosen.length;
}

/** The first runs to drop, so that the others together have at most this many bytes. */
function overCap(oldestFirst: readonly string[], sizeOf: (id: string) => number, mostBytes: number): readonly string[] {
  let sum = oldestFirst.reduce((all, id) => all + sizeOf(id), 0);
  let count = 0;
  for (const id of oldestFirst) {
    if (sum <= mostBytes) break;
    sum -= sizeOf(id);
    count += 1;
  }
  return oldestFirst.slice(0, count);
}

async function forget({ redis, prefix }: StoreParts, ids: readonly string[]): Promise<void> {
  const { ended, bytes: sizes } = keysOfKept(prefix);
  await Promise.all([redis.zrem(ended, ...ids), redis.hdel(sizes, ...ids)]);
}

function inParts(ids: readonly string[]): (readonly string[])[] {
  const parts: (readonly string[])[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) parts.push(ids.slice(from, from + AT_ONCE));
  return parts;
}
