import type { Caller } from '../client/caller.js';
import { type RunStatus, statusOf } from '../client/status.js';
import { duration } from '../shared/measures.js';
import { withLocalTimes } from './local-time.js';
import { startProgress } from './progress.js';

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const TICK_MS = 120;
/** How often it asks what a run waits for (ms): one that is not started yet, and one that runs. */
const ASK_MS = 1_000;
const ASK_RUNNING_MS = 5_000;

/** A line at a terminal that says that a run goes on, or what it waits for; nothing in a pipe. */
export interface WaitingLine {
  /** Makes room for what is printed; the line comes back by itself. */
  clear(): void;
  stop(): void;
}

/** Starts the line of a run that is followed; `spent` says what it has taken so far. */
export function startWaitingLine(caller: Caller, runId: string, spent: () => string): WaitingLine {
  if (!process.stdout.isTTY) return { clear: () => {}, stop: () => {} };
  const begun = performance.now();
  const progress = startProgress();
  let tick = 0;
  let waits: string | undefined;
  let stopped = false;
  const ask = async () => {
    const status: RunStatus = await statusOf(caller, { runId }, 0);
    waits = status.waitingFor && withLocalTimes(status.waitingFor.message);
    return status.startedAt === undefined ? ASK_MS : ASK_RUNNING_MS;
  };
  let asking: NodeJS.Timeout | undefined;
  // While Redis is away, whoever follows says so; this line only says less.
  const keepAsking = async () => {
    const next = await ask().catch(() => ASK_MS);
    if (!stopped) asking = setTimeout(() => void keepAsking(), next);
  };
  void keepAsking();
  const timer = setInterval(() => {
    if (stopped) return;
    tick = (tick + 1) % SPINNER.length;
    const facts = [`${SPINNER[tick]} ${duration(performance.now() - begun)}`, waits && `waits: ${waits}`, spent()];
    progress.show(facts.filter(Boolean).join(' · '));
  }, TICK_MS);
  return {
    clear: progress.stop,
    stop() {
      stopped = true;
      clearTimeout(asking);
      clearInterval(timer);
      progress.stop();
    },
  };
}
