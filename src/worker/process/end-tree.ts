import { setTimeout as pause } from 'node:timers/promises';
import type { KillSignal } from '../../shared/run.js';
import { isAlive, type ProcessId, processesOf, signalProcess } from './processes.js';

export interface EndTree {
  readonly runId: string;
  /** Waits for the program and writes down its end, so it is the last to go; it ends by itself. */
  readonly wrapper?: ProcessId | undefined;
  /** Those of its processes that were found otherwise than by mark or group, looked for anew with each call. */
  readonly others?: () => readonly ProcessId[];
  readonly signal: KillSignal;
  /** Between the first signal and SIGKILL. */
  readonly graceMs: number;
}

const SCAN_EVERY_MS = 40;
/** SIGKILL works at once except on processes stuck in the kernel; after this the scan gives up and says who is left. */
const GIVE_UP_AFTER_MS = 10_000;

/**
 * Ends every process of a run: the signal to each, grace, SIGKILL, and scans until none is left, since tools start
 * sessions of their own and outlive even a SIGKILL of the group. Answers who could not be ended; empty as a rule.
 */
export async function endTree({ runId, wrapper, others, signal, graceMs }: EndTree): Promise<readonly ProcessId[]> {
  const signalled = new Set<string>();
  const begun = performance.now();
  for (;;) {
    const group = wrapper && isAlive(wrapper) ? wrapper.pid : undefined;
    const found = [...processesOf(runId, group), ...(others?.() ?? [])].filter(({ pid }) => pid !== wrapper?.pid);
    const left = [...new Map(found.map((id) => [id.pid, id])).values()];
    if (left.length === 0) return [];
    const waited = performance.now() - begun;
    if (waited > graceMs + GIVE_UP_AFTER_MS) return left;
    const hard = signal === 'KILL' || waited >= graceMs;
    for (const id of left) {
      const key = `${id.pid}:${id.start}`;
      if (hard) signalProcess(id, 'SIGKILL');
      else if (!signalled.has(key)) signalProcess(id, `SIG${signal}`);
      signalled.add(key);
    }
    await pause(SCAN_EVERY_MS);
  }
}
