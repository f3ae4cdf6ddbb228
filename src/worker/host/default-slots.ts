import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { Config } from '../../shared/config/load.js';
import { size } from '../../shared/measures.js';
import type { Pool } from '../../shared/pool.js';
import type { Runner } from '../../shared/runners/runner.js';
import type { Concurrency } from '../claim/slots.js';
import { descriptorLimit, slotsWith } from './descriptors.js';

/** What a machine, or the container that we are in, has. */
export interface Resources {
  readonly memoryBytes: number;
  readonly cores: number;
  /** Absent: no limit. */
  readonly descriptors?: number;
}

/** What decides about the slots of a runner. */
export type Weight = Pick<Runner, 'name' | 'memoryMib' | 'atOnce'>;

const MIB = 1024 * 1024;
/** The other half is for what the programs start, for the system and for its caches. */
const SHARE_OF_MEMORY = 0.5;
/** An agent waits for its model most of the time. */
const RUNS_PER_CORE = 4;
/** A program that was not measured is assumed to need a medium amount. */
const UNMEASURED_MIB = 500;
const MOST = 64;

/** How many runs at once a machine bears with these runners, and why. */
export function defaultSlots(
  { memoryBytes, cores, descriptors }: Resources,
  runners: readonly Weight[],
): { readonly slots: number; readonly reason: string } {
  const heavy = heaviest(runners);
  const taken = takenByFew(runners, heavy);
  const budget = memoryBytes * SHARE_OF_MEMORY - taken.mib * MIB;
  const bounds = [
    {
      slots: Math.floor(budget / (heavy.mib * MIB)) + taken.runs,
      reason: `half of ${size(memoryBytes)} of memory, at ${heavy.mib} MiB for a run${heavy.name === undefined ? '' : ` of ${heavy.name}`}`,
    },
    { slots: Math.floor(cores * RUNS_PER_CORE), reason: `${RUNS_PER_CORE} for each of ${cores} cores` },
    ...(descriptors === undefined
      ? []
      : [{ slots: slotsWith(descriptors), reason: `${descriptors} file descriptors` }]),
    { slots: MOST, reason: 'no more by itself' },
  ];
  const least = bounds.reduce((one, other) => (other.slots < one.slots ? other : one));
  return { slots: Math.max(1, least.slots), reason: least.reason };
}

const mibOf = ({ memoryMib = UNMEASURED_MIB }: Weight) => memoryMib;

/** The runner whose runs take most, of those that there may be many of. */
function heaviest(runners: readonly Weight[]): { readonly mib: number; readonly name?: string } {
  const many = runners.filter(({ atOnce }) => atOnce === undefined);
  const [first, ...rest] = many.length > 0 ? many : runners;
  if (!first) return { mib: UNMEASURED_MIB };
  const most = rest.reduce((one, other) => (mibOf(other) > mibOf(one) ? other : one), first);
  return { mib: mibOf(most), name: most.name };
}

/** What is set aside for runners of which only few runs can be, where they take more than the others. */
function takenByFew(runners: readonly Weight[], heavy: { readonly mib: number }) {
  const few = runners.filter((runner) => runner.atOnce !== undefined && mibOf(runner) > heavy.mib);
  return {
    mib: few.reduce((sum, runner) => sum + mibOf(runner) * (runner.atOnce ?? 0), 0),
    runs: few.reduce((sum, { atOnce = 0 }) => sum + atOnce, 0),
  };
}

/** AGENTPOOL_CONCURRENCY, or what the machine bears where it says `auto`. */
export const concurrencyFor = (
  concurrency: Config['concurrency'],
  resources: Resources,
  runners: readonly Weight[],
): Concurrency => (concurrency === 'auto' ? defaultSlots(resources, runners).slots : concurrency);

/** The same for the runners that a worker has at the moment when it is asked. */
export function liveConcurrency(
  { config, runners }: Pick<Pool, 'config' | 'runners'>,
  installed: () => Iterable<string>,
): () => Concurrency {
  const resources = resourcesHere();
  return () => {
    const here = [...installed()].flatMap((name) => runners.get(name) ?? []);
    return concurrencyFor(config.concurrency, resources, here);
  };
}

/** What this process may use, by its machine and its control group. */
export function resourcesHere(): Resources {
  const constrained = process.constrainedMemory(); // 0 or more than there is: no limit
  const memoryBytes = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
  const descriptors = descriptorLimit();
  const cores = Math.min(availableParallelism(), coresOfGroup() ?? Number.POSITIVE_INFINITY);
  return { memoryBytes, cores, ...(descriptors !== undefined && { descriptors }) };
}

/** The quota of the control group in cores; undefined without one. */
function coresOfGroup(): number | undefined {
  try {
    const [quota, period] = readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').trim().split(' ').map(Number);
    return quota && period ? quota / period : undefined; // "max" is not a number
  } catch {
    return undefined;
  }
}
