import { rideOut } from '../redis/ride-out.js';
import type { Run } from '../run.js';
import { RUN_STATES, type RunState } from '../run-state.js';

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called for each notification while waiting; that of new output is `output`. */
  readonly onNotification?: (message: string) => void;
  /** Which notifications may matter, by the state that they tell; absent: all but those of new output. */
  readonly wakesOn?: (state: RunState, isClaim: boolean) => boolean;
}

/** The notification that a worker has claimed a run: its state is `running`, but its program has not been started yet. */
export const CLAIMED = 'claimed';

const isState = (message: string): message is RunState => (RUN_STATES as readonly string[]).includes(message);

/** A lost notification costs this much (ms): the record is looked at again without one. One heartbeat. */
const LOOK_AGAIN_MS = 5_000;

interface Source {
  readonly get: (id: string) => Promise<Run | undefined>;
  readonly listen: (onNotification: (message: string) => void) => Promise<() => void>;
}

/**
 * Waits until `until` holds for a run and answers the record; at the time-out or the abort it answers the record as it
 * is then. Undefined when there is no such run. Notifications wake it, so it neither polls nor misses a change. While
 * Redis is away it waits on, as long as its time allows.
 */
export async function waitForRun(
  { get, listen }: Source,
  id: string,
  until: (run: Run) => boolean,
  { timeoutMs, signal, onNotification, wakesOn = () => true }: WaitOptions,
): Promise<Run | undefined> {
  const deadline = performance.now() + timeoutMs;
  const waker = createWaker(signal);
  const stopListening = await listen((message) => {
    onNotification?.(message);
    // After a gap it tells nothing, and a newer release may tell what we do not know: both may matter.
    const state = message === CLAIMED ? 'running' : message;
    if (isState(state) ? wakesOn(state, message === CLAIMED) : message !== 'output') waker.wake();
  });
  try {
    for (;;) {
      const run = await rideOut(() => get(id), deadline, signal);
      const left = deadline - performance.now();
      if (!run || until(run) || left <= 0 || signal?.aborted) return run;
      await waker.next(Math.min(left, LOOK_AGAIN_MS));
    }
  } finally {
    stopListening();
    waker.stop();
  }
}

/** Waits for wake-ups, and remembers one that comes in between. */
export function createWaker(signal?: AbortSignal) {
  let woken = false;
  let resume: (() => void) | undefined;
  const wake = () => {
    woken = true;
    resume?.();
  };
  signal?.addEventListener('abort', wake);
  return {
    wake,
    /** Resolves at the next wake-up, or at once when there was one since the last call, or after the time (ms). */
    async next(timeoutMs: number): Promise<void> {
      if (!woken)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          resume = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      resume = undefined;
      woken = signal?.aborted ?? false;
    },
    stop: () => signal?.removeEventListener('abort', wake),
  };
}
