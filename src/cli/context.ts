import { readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { parseEnv } from 'node:util';
import { type Config, checkedConfig } from '../shared/config/load.js';
import { RUN_MARK, withoutMark } from '../shared/config/names.js';
import { type DirectoryFiles, type Ignored, readSources } from '../shared/config/sources.js';
import { ConfigError } from '../shared/errors.js';
import { type Logger, openLogger, toStderr } from '../shared/logger.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { plainText } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import type { RedisRole } from '../shared/redis/connect.js';
import { type RedisTarget, redisTarget } from '../shared/redis/target.js';
import { formForPeople, isForPeople } from './log-form.js';
import { note } from './print.js';
import { trustOf } from './trusted.js';

/** What every subcommand starts with. */
export interface Context {
  readonly config: Config;
  /** The environment of this process, with what the command line sets in its names; nothing from a file. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Files of which something was not taken, and why. */
  readonly ignored: readonly Ignored[];
  /** The files that something was taken from. */
  readonly readFrom: readonly string[];
  /** Whether it was set, in the environment, a file or the command line. */
  isSet(setting: string): boolean;
  /** What programs may be given: the environment, and the file of secrets where that is silent. Throws a ConfigError. */
  variables(): Readonly<Record<string, string | undefined>>;
  /** Where Redis is; starts the private one when there is no REDIS_URL. */
  redis(): Promise<RedisTarget>;
  connect(role: RedisRole): Promise<Pool>;
}

interface Opening {
  /** What the command line sets, in the names of the environment. */
  readonly overrides?: Readonly<Record<string, string | undefined>>;
  /** A program has chosen the working directory, not a person: nothing there is read, here and in what we start. */
  readonly startedByProgram?: boolean;
  /** Another process of ours has said already what is ignored. */
  readonly quiet?: boolean | undefined;
}

/** The text of a file; undefined where it does not exist or may not be read. */
export function readFileIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Loads the configuration, and says on stderr what of it was not taken. */
export function openContext(
  name: string,
  { overrides = {}, startedByProgram = false, quiet = false }: Opening = {},
): Context {
  const given: Record<string, string | undefined> = { ...process.env, ...omitUndefined(overrides) };
  // What is looked up from where we happen to be would be a program of the checkout that we are in.
  if (given.PATH !== undefined) process.env.PATH = given.PATH = absoluteEntries(given.PATH);
  const env = { ...given, ...(startedByProgram && { AGENTPOOL_DIRECTORY_CONFIG: 'never' }) };
  const surroundings = {
    env: given,
    cwd: process.cwd(),
    readFile: readFileIfThere,
    ...(!startedByProgram && { trust: (files: DirectoryFiles) => trustOf(files, env) }),
  };
  const sources = readSources(surroundings);
  for (const { path, why } of quiet ? [] : sources.ignored) note(plainText(`agentpool: ignored ${path}: ${why}`));
  const config = checkedConfig(sources, surroundings);
  const form = isForPeople(config.logFormat) ? formForPeople(!given.NO_COLOR) : undefined;
  const logger = openLogger(name, config.logLevel, form && toStderr(form));
  // The code that talks to Redis is loaded when it is needed: most of a start is loading.
  const redis = async (): Promise<RedisTarget> => {
    const target = redisTarget(config, readFileIfThere);
    if (target) return target;
    const { ensureEmbeddedRedis } = await import('../shared/redis/embedded.js');
    return { kind: 'socket', path: await ensureEmbeddedRedis(config.home, env) };
  };
  return {
    config,
    env,
    logger,
    ignored: sources.ignored,
    readFrom: [...new Set([...sources.from.values(), ...sources.configFiles.keys()])],
    isSet: (setting) => Object.hasOwn(sources.settings, setting),
    variables: () => ({ ...secretsOf(config), ...env }),
    redis,
    connect: async (role) => (await import('../shared/pool.js')).openPool(config, await redis(), role, logger),
  };
}

const absoluteEntries = (path: string) => path.split(delimiter).filter(isAbsolute).join(delimiter);

function secretsOf({ secretsFile, home }: Config): Record<string, string | undefined> {
  const text = readFileIfThere(secretsFile ?? join(home, 'secrets.env'));
  if (text === undefined && secretsFile !== undefined)
    throw new ConfigError([`AGENTPOOL_SECRETS_FILE: ${secretsFile} cannot be read`]);
  return parseEnv(withoutMark(text ?? ''));
}

/** The environment for a process of ours that outlives the run we may be called from; it reads the files that we read. */
export function unmarked(env: Context['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== RUN_MARK),
  );
}
