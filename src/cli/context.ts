import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { type Config, loadConfig, RUN_MARK } from '../shared/config/load.js';
import { type Logger, openLogger } from '../shared/logger.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { openPool, type Pool } from '../shared/pool.js';
import type { RedisRole } from '../shared/redis/connect.js';
import { ensureEmbeddedRedis } from '../shared/redis/embedded.js';
import { parseRedisUrl, type RedisTarget } from '../shared/redis/target.js';

/** What every subcommand starts with. */
export interface Context {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Where Redis is; starts the private one when there is no REDIS_URL. */
  redis(): Promise<RedisTarget>;
  connect(role: RedisRole): Promise<Pool>;
}

function fileOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The environment with what `.env` adds to it; what is set already wins. */
function environment(): Record<string, string | undefined> {
  const file = fileOrNothing(resolve('.env'));
  return { ...(file === undefined ? {} : parseEnv(file)), ...process.env };
}

/** Loads the configuration, with what the command line sets in the names of the environment. */
export function openContext(name: string, overrides: Readonly<Record<string, string | undefined>> = {}): Context {
  const given = omitUndefined(overrides);
  const env = { ...environment(), ...given };
  const config = loadConfig({ env, cwd: process.cwd(), readFile: fileOrNothing });
  const logger = openLogger(name, config.logLevel);
  const redis = async (): Promise<RedisTarget> =>
    config.redisUrl
      ? parseRedisUrl(config.redisUrl)
      : { kind: 'socket', path: await ensureEmbeddedRedis(config.home, env) };
  return { config, env, logger, redis, connect: async (role) => openPool(config, await redis(), role, logger) };
}

/** The environment for a process of ours that outlives the run we may be called from. */
export function unmarked(env: Context['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== RUN_MARK),
  );
}
