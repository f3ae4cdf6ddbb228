import { accessSync, constants, mkdirSync } from 'node:fs';
import { ConfigError, messageOf } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';

/** The wanted runners; throws a ConfigError for a name that nobody knows. */
export function knownRunners({ config, runners }: Pool): readonly string[] | undefined {
  const limited = typeof config.concurrency === 'number' ? [] : Object.keys(config.concurrency);
  const there = `there are ${[...runners.keys()].join(', ')}`;
  const unknown = (setting: string, names: readonly string[]) =>
    names.filter((name) => !runners.has(name)).map((name) => `${setting}: no runner ${name}; ${there}`);
  const problems = [
    ...unknown('AGENTPOOL_RUNNERS', config.runners ?? []),
    ...unknown('AGENTPOOL_CONCURRENCY', limited),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  return config.runners;
}

/** Makes a directory that only we can look into. Throws a ConfigError where that is impossible. */
export function writableDirectory(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
    return path;
  } catch (error) {
    throw new ConfigError([
      `AGENTPOOL_HOME: ${path} cannot be written (${messageOf(error)}); give it a directory of yours`,
    ]);
  }
}
