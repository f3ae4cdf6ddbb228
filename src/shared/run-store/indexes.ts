import type { RedisClient } from '../redis/connect.js';
import type { Run } from '../run.js';
import { RUN_STATES, type RunState } from '../run-state.js';
import { indexKeys } from './keys.js';

export interface RunFilter {
  readonly agentName?: string;
  readonly runner?: string;
  readonly principal?: string;
  readonly state?: RunState;
  readonly host?: string;
}

/** Where a listing goes on: after the run with this time and id. */
export interface ListPosition {
  readonly queuedAt: number;
  readonly id: string;
}

/**
 * The sorted sets that find runs. They live on other slots than the runs and may lag behind, so readers check the
 * record. Entries are written before a run can be seen and moved after each change.
 */
export function openIndexes(redis: RedisClient, prefix: string) {
  const keys = indexKeys(prefix);

  /** The narrowest index for a filter; the rest of the filter is checked on the record. */
  const indexFor = ({ agentName, runner, principal, state, host }: RunFilter) => {
    if (agentName !== undefined) return keys.agent(agentName);
    if (principal !== undefined) return keys.principal(principal);
    if (state !== undefined) return keys.state(state);
    if (host !== undefined) return keys.host(host);
    return runner === undefined ? keys.all : keys.runner(runner);
  };

  return {
    async add(run: Pick<Run, 'id' | 'principal' | 'agentName' | 'runner' | 'queuedAt'>): Promise<void> {
      const { id, principal, agentName, runner, queuedAt } = run;
      const named = [keys.agent(agentName), keys.principal(principal), keys.runner(runner)];
      await Promise.all([
        redis.zadd(keys.all, queuedAt, id),
        redis.zadd(keys.ids, 0, id),
        redis.zadd(keys.state('queued'), queuedAt, id),
        redis.sadd(keys.named, ...named),
        ...named.map((index) => redis.zadd(index, queuedAt, id)),
      ]);
    },
    async move(run: Pick<Run, 'id' | 'state' | 'queuedAt' | 'host'>): Promise<void> {
      const { id, state, queuedAt, host } = run;
      await Promise.all([
        redis.zadd(keys.state(state), queuedAt, id),
        ...RUN_STATES.filter((other) => other !== state).map((other) => redis.zrem(keys.state(other), id)),
        ...(host === undefined
          ? []
          : [redis.sadd(keys.named, keys.host(host)), redis.zadd(keys.host(host), queuedAt, id)]),
      ]);
    },
    /** Up to `count` ids that may match, newest first, after a position. */
    async page(filter: RunFilter, after: ListPosition | undefined, count: number): Promise<ListPosition[]> {
      const index = indexFor(filter);
      // Runs of the same millisecond are ordered by id, so those up to the position's own id are passed over.
      const most = after === undefined ? '+inf' : String(after.queuedAt);
      const found: ListPosition[] = [];
      for (let offset = 0; found.length < count; offset += count) {
        const flat = await redis.zrevrangebyscore(index, most, '-inf', 'WITHSCORES', 'LIMIT', offset, count);
        for (let at = 0; at < flat.length; at += 2) {
          const position = { id: flat[at] ?? '', queuedAt: Number(flat[at + 1]) };
          if (after && position.queuedAt === after.queuedAt && position.id >= after.id) continue;
          found.push(position);
        }
        if (flat.length < count * 2) break;
      }
      return found.slice(0, count);
    },
    async withPrefix(text: string): Promise<string[]> {
      return redis.zrangebylex(keys.ids, `[${text}`, `[${text}\xff`, 'LIMIT', 0, 3);
    },
    async count(state: RunState): Promise<number> {
      return redis.zcard(keys.state(state));
    },
    /** Forgets a run whose record is gone. */
    async forget(id: string, filter: RunFilter = {}): Promise<void> {
      await Promise.all([
        redis.zrem(indexFor(filter), id),
        redis.zrem(keys.all, id),
        redis.zrem(keys.ids, id),
        ...RUN_STATES.map((state) => redis.zrem(keys.state(state), id)),
      ]);
    },
    /**
     * Takes up to `count` runs queued before a time out of each index that is named after an agent, a runner, a
     * principal or a host, where `isGone` says that their record is. Nobody else would, unless somebody lists them.
     */
    async forgetGone(before: number, count: number, isGone: (id: string) => Promise<boolean>): Promise<void> {
      for (const index of await redis.smembers(keys.named)) {
        for (const id of await redis.zrangebyscore(index, '-inf', `(${before}`, 'LIMIT', 0, count))
          if (await isGone(id)) await redis.zrem(index, id);
        if ((await redis.zcard(index)) === 0) await redis.srem(keys.named, index);
      }
    },
    /** The oldest ids of a state, or of all runs. */
    async oldest(state: RunState | undefined, count: number): Promise<string[]> {
      return redis.zrange(state === undefined ? keys.all : keys.state(state), '0', String(count - 1));
    },
  };
}
export type Indexes = ReturnType<typeof openIndexes>;
