import { ConfigError } from '../../shared/errors.js';
import type { Pool } from '../../shared/pool.js';

/** The wanted runners; throws a ConfigError for an unknown name. */
export function knownRunners({ config, runners }: Pool): readonly string[] | undefined {
  const limited = typeof config.concurrency === 'object' ? Object.keys(config.concurrency) : [];
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
