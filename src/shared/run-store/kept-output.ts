import type { StoreParts } from './parts.js';

/** Ended runs whose output and prompt are kept: by when they ended, and how many bytes each has. They may lag. */
const keysOfKept = (prefix: string) => {
  const kept = `{${prefix}:runs:kept}`;
  return { ended: `${kept}:ended`, bytes: `${kept}:bytes` };
};

/** Runs that are let go in one step. */
const AT_ONCE = 100;

/** Writes down that the output of an ended run is kept; at the same end once more it changes nothing. */
export async function noteKept({ redis, prefix }: StoreParts, id: string, at: number, bytes: number): Promise<void> {
  const { ended, bytes: sizes } = keysOfKept(prefix);
  await Promise.all([redis.zadd(ended, 'NX', at, id), redis.hset(sizes, id, bytes)]);
}

/**
 * Lets go of the output and the prompts of the runs that ended first, until what all ended runs have fits. Answers how
 * many were let go. What is over its time goes by itself, and is forgotten here.
 */
export async function letGoOverCap(
  { redis, prefix, keysOf, retention, now }: StoreParts,
  mostBytes: number,
): Promise<number> {
  const { ended, bytes: sizes } = keysOfKept(prefix);
  const over = (await now()) - retention.outputRetentionMs;
  const forget = async (ids: readonly string[]) => {
    if (ids.length > 0) await Promise.all([redis.zrem(ended, ...ids), redis.hdel(sizes, ...ids)]);
  };
  await forget(await redis.zrangebyscore(ended, '-inf', over));
  let sum = (await redis.hvals(sizes)).reduce((all, size) => all + Number(size), 0);
  let count = 0;
  while (sum > mostBytes) {
    const oldest = await redis.zrange(ended, '0', String(AT_ONCE - 1));
    if (oldest.length === 0) break;
    const gone: string[] = [];
    for (const id of oldest) {
      if (sum <= mostBytes) break;
      const { run, events, request } = keysOf(id);
      await redis.letGo(run, events, request);
      sum -= Number((await redis.hget(sizes, id)) ?? 0);
      gone.push(id);
    }
    await forget(gone);
    count += gone.length;
  }
  return count;
}
