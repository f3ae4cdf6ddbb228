import { setTimeout as pause } from 'node:timers/promises';
import { sharedByTurn } from '../../shared/by-turn.js';
import type { KillSignal } from '../../shared/run.js';
import { allProcesses, type ProcessId, processesAmong, type Seen, signalProcess } from './processes.js';

export interface EndTree {
  readonly runId: string;
  /** Starts the program, waits for it and writes down its end, so it is the first and the last; it ends by itself. */
  readonly wrapper?: ProcessId | undefined;
  /** Those of its processes that are found otherwise than by mark or group. */
  readonly others?: (all: readonly Seen[]) => readonly ProcessId[];
  /** Where nothing of the run can be older: its first process. */
  readonly first?: ProcessId | undefined;
  readonly signal: KillSignal;
  /** Between the first signal and SIGKILL. */
  readonly graceMs: number;
}

/** Most processes are gone in some milliseconds after a signal; so soon it is looked again, and then less and less often (ms). */
const SCAN_SOON_MS = 5;
const SCAN_EVERY_MS = 40;
/** A wrapper that is alone has not started its program yet, or writes down its end: so long it is waited for (ms). */
const ALONE_FOR_MS = 1_000;
/** SIGKILL works at once except on processes stuck in the kernel; after this the scan gives up and says who is left. */
const GIVE_UP_AFTER_MS = 10_000;

/** One look at all processes for all who end something in one turn; it begins after the last of them has asked. */
const lookAtAll = sharedByTurn(async () => allProcesses());

/**
 * Ends every process of a run: the signal to each, grace, SIGKILL, and scans until none is left, since tools start
 * sessions of their own and outlive even a SIGKILL of the group. Answers who could not be ended; empty as a rule.
 */
export async function endTree({
  runId,
  wrapper,
  others,
  first,
  signal,
  graceMs,
}: EndTree): Promise<readonly ProcessId[]> {
  const signalled = new Set<string>();
  const begun = performance.now();
  let aloneSince: number | undefined;
  for (let scanInMs = SCAN_SOON_MS; ; scanInMs = Math.min(scanInMs * 2, SCAN_EVERY_MS)) {
    const all = await lookAtAll();
    const lives = all.some(({ pid, start }) => pid === wrapper?.pid && start === wrapper.start);
    const marked = processesAmong(all, runId, lives ? wrapper?.pid : undefined, first);
    const found = [...marked, ...(others?.(all) ?? [])].filter(({ pid }) => pid !== wrapper?.pid);
    const left = [...new Map(found.map((id) => [id.pid, id])).values()];
    const now = performance.now();
    aloneSince = left.length > 0 ? undefined : (aloneSince ?? now);
    if (aloneSince !== undefined && (!lives || now - aloneSince > ALONE_FOR_MS)) return [];
    const waited = now - begun;
    if (waited > graceMs + GIVE_UP_AFTER_MS) return left;
    const hard = signal === 'KILL' || waited >= graceMs;
    for (const id of left) {
      const key = `${id.pid}:${id.start}`;
      if (hard) signalProcess(id, 'SIGKILL');
      else if (!signalled.has(key)) signalProcess(id, `SIG${signal}`);
      signalled.add(key);
    }
    await pause(scanInMs);
  }
}
