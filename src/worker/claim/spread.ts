/** How much longer (ms) a worker that came too late for a job may wait before it asks for the next one, and how long at most. */
const STEP_MS = 0.5;
const MOST_MS = 100;

/**
 * A worker that has left a job to those of a newer release comes so long (ms) after all others, and does so for so long (ms)
 * after the last such job; each comes again after 10 s.
 */
const AFTER_ALL_MS = 2 * MOST_MS;
const STAYS_BACK_MS = 30_000;

/** Whether workers that are told of one job all ask for it at once. */
export interface Spread {
  /** How long (ms) a queue in which something was placed is left to others. */
  delayMs(queue: string): number;
  /** A queue was asked for a job, and had one or not. */
  asked(queue: string, found: boolean): void;
  /** A job of a queue was left to workers of a newer release: from now on they are to come first. */
  stepBack(queue: string): void;
}

/**
 * Everybody who offers a runner is told when something is placed, and one gets it. With a thousand workers the others would
 * cost Redis far more than the run. So whoever came too late often waits a random time, which is longer the more there seem
 * to be; the shortest of them all stays about half a millisecond, whatever their number.
 */
export function createSpread(random: () => number = Math.random, now: () => number = () => performance.now()): Spread {
  const late = new Map<string, number>();
  const steppedBack = new Map<string, number>();
  return {
    delayMs(queue) {
      if (now() - (steppedBack.get(queue) ?? Number.NEGATIVE_INFINITY) < STAYS_BACK_MS) return AFTER_ALL_MS;
      return Math.floor(random() * STEP_MS * (late.get(queue) ?? 0));
    },
    asked(queue, found) {
      const before = late.get(queue) ?? 0;
      // Who got one is soon as late as all others again: else the same worker would take what comes next, too.
      late.set(queue, found ? Math.floor(before / 2) : Math.min(before + 1, MOST_MS / STEP_MS));
    },
    stepBack: (queue) => void steppedBack.set(queue, now()),
  };
}
