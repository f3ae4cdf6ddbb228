import { Cluster } from 'ioredis';
import { type CommandLine, inOrder } from '../redis/in-order.js';
import type { StoreParts } from './parts.js';

/** Records that one script reads at most, so that nobody else waits for long. */
const AT_ONCE = 500;

/**
 * The values of these fields of runs, in their order; null where a record, or a field of it, is not there. One server is asked
 * for hundreds by one command, which is a third of the work for both sides; on a cluster each record may be elsewhere.
 */
export async function readFields(
  { redis, keysOf }: Pick<StoreParts, 'redis' | 'keysOf'>,
  ids: readonly string[],
  fields: readonly string[],
): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const keys = ids.slice(at, at + AT_ONCE).map((id) => keysOf(id).run);
    if (!(redis instanceof Cluster)) {
      rows.push(...(await redis.readFields(keys.length, ...keys, ...fields)));
      continue;
    }
    const [answers = []] = await inOrder(
      redis,
      keys.map((key): CommandLine => ['hmget', key, ...fields]),
    );
    for (const answer of answers) {
      if (answer.status === 'rejected') throw answer.reason;
      rows.push(answer.value as (string | null)[]);
    }
  }
  return rows;
}
