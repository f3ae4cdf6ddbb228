import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ConfigError } from '../../shared/errors.js';
import type { Pool } from '../../shared/pool.js';
import type { Runners } from '../../shared/runners/list.js';
import { type Concurrency, createSlots } from '../claim/slots.js';

/**
 * File descriptors that a worker uses: about 25 by itself, 4 for each run, and 8 for a run that is being started; all slots
 * may be filled at once. Below the first number it cannot start what it offers; below the second it has no spare ones for
 * further connections to Redis, probes and what a program adds.
 */
const LEAST = { own: 32, eachRun: 8 };
const GOOD = { own: 64, eachRun: 16 };

/** How many descriptors a worker can have, and how many it needs. */
export interface Descriptors {
  readonly limit: number;
  readonly slots: number;
  readonly least: number;
  readonly good: number;
}

/** The limit of this process, or of one that it starts; undefined where it is unlimited or unknown. */
export function descriptorLimit(): number | undefined {
  // Node has already raised the soft limit to the hard one, for itself and for the programs it starts.
  const [, soft] =
    /^Max open files\s+(\d+)/m.exec(readOrNothing(() => readFileSync('/proc/self/limits', 'utf8'))) ?? [];
  const text = soft ?? readOrNothing(() => execFileSync('/bin/sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }));
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

/** What a worker needs for its slots, whichever of `runners` it finds. */
export function descriptorsOf(limit: number, concurrency: Concurrency, runners: Runners): Descriptors {
  const slots = createSlots(concurrency).capacity([...runners.keys()]);
  const need = ({ own, eachRun }: typeof LEAST) => own + eachRun * slots;
  return { limit, slots, least: need(LEAST), good: need(GOOD) };
}

/** For how many runs at once a limit is enough; at least one. */
export const slotsWith = (limit: number): number => Math.max(1, Math.floor((limit - GOOD.own) / GOOD.eachRun));

/** What is wrong with the limit; undefined when it will do. */
export function descriptorProblem({ limit, slots, good }: Descriptors): string | undefined {
  if (limit >= good) return undefined;
  return `${limit} file descriptors are few for ${slots} ${slots === 1 ? 'run' : 'runs'} at once; ${good} are enough`;
}

/** The line that raises the limit to at least so many. */
export function raiseLine(wanted = 0): string {
  const enough = Math.max(1024, 2 ** Math.ceil(Math.log2(Math.max(1, wanted))));
  return `ulimit -n ${enough}   (where that is refused: as root, LimitNOFILE=${enough} in a unit of systemd, --ulimit nofile=${enough} for a container)`;
}

/** Throws a ConfigError for a limit of open files with which not even the slots could be filled. */
export function checkDescriptors({
  config: { concurrency },
  runners,
  logger,
}: Pick<Pool, 'config' | 'runners' | 'logger'>): void {
  const limit = descriptorLimit();
  if (limit === undefined) return;
  const slots = concurrency === 'auto' ? 1 : concurrency; // with auto there are no more slots than descriptors for them
  const descriptors = descriptorsOf(limit, slots, runners);
  const problem = descriptorProblem(descriptors);
  if (problem === undefined) return;
  const words = `${problem}: ${raiseLine(descriptors.good)}, or lower AGENTPOOL_CONCURRENCY`;
  if (limit < descriptors.least) throw new ConfigError([words]);
  logger.warn(words);
}

function readOrNothing(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
