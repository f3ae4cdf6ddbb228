import { setTimeout as pause } from 'node:timers/promises';
import { sharedByTurn } from '../../shared/by-turn.js';
import type { KillSignal } from '../../shared/run.js';
import { bornSince, type PidsGiven } from './born-since.js';
import {
  allProcesses,
  descendantsOf,
  isAlive,
  type ProcessId,
  processesAmong,
  type Seen,
  signalProcess,
} from './processes.js';

export interface EndTree {
  readonly runId: string;
  /** Starts the program, waits for it and writes down its end, so it is the first and the last; it ends by itself. */
  readonly wrapper?: ProcessId | undefined;
  /** Those of its processes that are found otherwise than by mark or group. */
  readonly others?: (all: readonly Seen[]) => readonly ProcessId[];
  /** Where nothing of the run can be older: its first process. */
  readonly first?: ProcessId | undefined;
  /** Which pids had been given before that one was started. */
  readonly pidsBefore?: PidsGiven | undefined;
  readonly signal: KillSignal;
  /** Between the first signal and SIGKILL. */
  readonly graceMs: number;
}

/** Most processes are gone in some milliseconds after a signal; so soon all are looked at again, and then less and less often (ms). */
const SCAN_SOON_MS = 5;
const SCAN_EVERY_MS = 40;
/** Between two scans it is looked so often whether those that were found are gone: then the next one comes at once. */
const LOOKS_BETWEEN = 10;
/** A wrapper that is alone has not started its program yet, or is recording its end: how long to wait for it (ms). */
const ALONE_FOR_MS = 1_000;
/** SIGKILL works at once except on processes stuck in the kernel; after this (ms) the scan gives up and returns the rest. */
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
  pidsBefore,
  signal,
  graceMs,
}: EndTree): Promise<readonly ProcessId[]> {
  const signalled = new Set<string>();
  const begun = performance.now();
  let aloneSince: number | undefined;
  const send = (id: ProcessId, hard: boolean) => {
    const key = `${id.pid}:${id.start}`;
    if (hard) signalProcess(id, 'SIGKILL');
    else if (!signalled.has(key)) signalProcess(id, `SIG${signal}`);
    signalled.add(key);
  };
  // Most are found below the wrapper, which takes much less time than a look at all processes of the host.
  const below: ProcessId[] = [];
  for (const id of wrapper ? descendantsOf(wrapper) : []) {
    send(id, signal === 'KILL' || graceMs === 0);
    below.push(id);
  }
  if (below.length > 0) await untilGone([...below, ...(wrapper ? [wrapper] : [])], SCAN_SOON_MS);
  for (let scanInMs = SCAN_SOON_MS; ; scanInMs = Math.min(scanInMs * 2, SCAN_EVERY_MS)) {
    const all = (first && bornSince(first.pid, pidsBefore)) ?? (await lookAtAll());
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
    for (const id of left) send(id, hard);
    await untilGone([...left, ...(wrapper ? [wrapper] : [])], scanInMs);
  }
}

/** Waits until none of these processes lives, but no longer than this (ms). */
async function untilGone(waiting: readonly ProcessId[], withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (let at = 0; performance.now() < deadline; await pause(withinMs / LOOKS_BETWEEN)) {
    while (at < waiting.length && !isAlive(waiting[at] as ProcessId)) at += 1;
    if (at === waiting.length) return;
  }
}
