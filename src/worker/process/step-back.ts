import { writeFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** How much less of a busy processor programs get than the worker, which serves all of them (as `nice` counts). */
const STEPS = 5;

/** Lets the processes of a run, from this one on, step back behind the worker while both want the processor. */
export function stepBack(pid: number): void {
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + STEPS));
  } catch {} // it is gone, or the system does not let us: then they are equals
  try {
    // Linux may share the processor out by sessions first, and each program has one of its own.
    if (process.platform === 'linux') writeFileSync(`/proc/${pid}/autogroup`, String(STEPS));
  } catch {}
}
