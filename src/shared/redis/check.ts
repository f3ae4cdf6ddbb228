import { ConfigError } from '../errors.js';
import type { RedisClient } from './connect.js';

/** What matters to us about a Redis server. */
export interface RedisHealth {
  readonly version: string;
  readonly evictionPolicy: string;
  readonly appendOnly: boolean;
  readonly usedMemoryBytes: number;
  /** What it may use; absent: all there is. */
  readonly maxMemoryBytes?: number;
}

const OLDEST = [6, 2] as const;

/** Asks the server about itself; needs only INFO, which least-privilege users have. */
export async function redisHealth(redis: RedisClient): Promise<RedisHealth> {
  const text = await redis.info();
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  return {
    version: field('redis_version'),
    evictionPolicy: field('maxmemory_policy'),
    appendOnly: field('aof_enabled') === '1',
    usedMemoryBytes: Number(field('used_memory')),
    ...(Number(field('maxmemory')) > 0 && { maxMemoryBytes: Number(field('maxmemory')) }),
  };
}

/** How large a node of a stream should be: with the default of 4096 output takes 32 % more memory than it has, with this 7 %. */
export const STREAM_NODE_BYTES = 65_536;

/** The size of a stream's nodes (bytes); undefined for users that may not ask for it. */
export async function streamNodeBytes(redis: RedisClient): Promise<number | undefined> {
  const [, value] = ((await redis.call('CONFIG', 'GET', 'stream-node-max-bytes').catch(() => [])) ?? []) as string[];
  return value === undefined ? undefined : Number(value);
}

/** Everything that makes a Redis server unsuitable, each with its fix; empty when it is suitable. */
export function redisProblems({ version, evictionPolicy }: RedisHealth): string[] {
  const problems: string[] = [];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    problems.push(`Redis ${version} is too old: agentpool needs ${OLDEST.join('.')} or newer`);
  if (evictionPolicy !== '' && evictionPolicy !== 'noeviction')
    problems.push(
      `Redis may throw runs away (maxmemory-policy is ${evictionPolicy}): set it with "redis-cli config set maxmemory-policy noeviction", and in redis.conf`,
    );
  return problems;
}

/** Throws a ConfigError when this Redis cannot hold runs safely. */
export async function checkRedis(redis: RedisClient): Promise<RedisHealth> {
  const health = await redisHealth(redis);
  const problems = redisProblems(health);
  if (problems.length > 0) throw new ConfigError(problems);
  return health;
}
