/** If a program outlives its result by this much (ms), the result is recorded before the end, which may never be seen. */
const LINGERS_MS = 1_000;

export interface AfterResultDeps {
  /** How long a program may live on after its terminal event without a further message (ms). */
  readonly graceMs: number;
  /** How many messages it has printed so far. */
  readonly messages: () => number;
  /** It has told its result and does not end at once. */
  readonly onLingering: () => void;
  /** The grace is over. */
  readonly onOver: () => void;
}

/**
 * Watches a program that has told the end of its work and lives on, mostly because of a child or an open handle. One that
 * goes on with messages, such as another turn, gets the grace anew.
 */
export function createAfterResult({ graceMs, messages, onLingering, onOver }: AfterResultDeps) {
  let lingering: NodeJS.Timeout | undefined;
  let over: NodeJS.Timeout | undefined;
  const stop = () => {
    clearTimeout(lingering);
    clearTimeout(over);
  };
  const wait = (seen: number) => {
    over = setTimeout(() => (messages() > seen ? wait(messages()) : onOver()), graceMs);
  };
  return {
    /** The terminal event was printed. */
    ended(): void {
      stop();
      lingering = setTimeout(onLingering, Math.min(LINGERS_MS, graceMs / 2));
      wait(messages());
    },
    stop,
  };
}
