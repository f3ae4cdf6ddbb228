import { existsSync } from 'node:fs';
import { readProc, type Seen, see, textOf } from './processes.js';

/** What the kernel says of the pids that it gives: one after the other, and when it has come to the end, from the start again. */
export interface PidsGiven {
  readonly last: number;
  /** How many tasks were ever started on this machine: at least as many as pids were given in this container. */
  readonly ever: number;
  /** All pids are less. */
  readonly end: number;
}

/** More than these are not looked at one by one: a look at all processes takes no longer then. */
const MOST_PIDS = 256;
/** Where so many pids were given (a part of all), one that was given before may have come again, or nearly. */
const NEARLY_ALL = 1 / 4;

/** Undefined where the kernel does not say that. Throws where we cannot look. */
export function pidsGiven(): PidsGiven | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const [last, end] = ['ns_last_pid', 'pid_max'].map((name) => Number(readProc(`/proc/sys/kernel/${name}`)));
    const ever = Number(/^processes (\d+)$/m.exec(readProc('/proc/stat'))?.[1]);
    return last && end && ever ? { last, ever, end } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The pids that can have been given since that of `first`, it included. `before` was asked before `first` was started.
 * Undefined where they are too many, where the kernel has begun from the start since, or may have.
 */
export function pidsSince(first: number, before: PidsGiven, now: PidsGiven): number[] | undefined {
  const isSure = now.ever - before.ever < now.end * NEARLY_ALL && now.end === before.end;
  const count = now.last - first + 1;
  return isSure && count > 0 && count <= MOST_PIDS ? Array.from({ length: count }, (_, at) => first + at) : undefined;
}

/**
 * Every living process that can have been started since `first`, it included: far fewer than all of a host, where a run was
 * short. Undefined where all have to be looked at. Throws where we cannot look.
 */
export function bornSince(first: number, before: PidsGiven | undefined): Seen[] | undefined {
  const now = before && pidsGiven();
  const pids = now && pidsSince(first, before, now);
  // Most are gone; to ask for that takes a part of the time of an attempt to read them.
  return pids?.filter((pid) => existsSync(`/proc/${pid}`)).flatMap((pid) => processWith(pid) ?? []);
}

/** The living process with this pid; undefined where it is gone, or is a further thread of one. */
function processWith(pid: number): Seen | undefined {
  const seen = see(pid);
  return seen && !seen.dead && isProcess(pid) ? seen : undefined;
}

const isProcess = (pid: number): boolean => Number(/^Tgid:\s+(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1]) === pid;
