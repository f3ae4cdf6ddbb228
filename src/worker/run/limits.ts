/** The two limits of a run, in milliseconds; a silence limit of 0 means no limit. */
export interface Limits {
  readonly timeoutMs: number;
  readonly silenceTimeoutMs: number;
}

/** The longest that one Node timer can take (ms). */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Watches the run time and the silence of a program, on clocks that nobody sets. `elapsedMs`: how long it has run
 * already, under an earlier worker.
 */
export function startLimits(
  { timeoutMs, silenceTimeoutMs }: Limits,
  elapsedMs: number,
  onLimit: (which: 'time_limit' | 'silence_limit') => void,
) {
  const begun = performance.now() - elapsedMs;
  let heard = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const now = performance.now();
    const timeLeft = timeoutMs - (now - begun);
    const silenceLeft = silenceTimeoutMs === 0 ? Number.POSITIVE_INFINITY : silenceTimeoutMs - (now - heard);
    if (timeLeft <= 0) return onLimit('time_limit');
    if (silenceLeft <= 0) return onLimit('silence_limit');
    timer = setTimeout(look, Math.min(timeLeft, silenceLeft, LONGEST_TIMER));
  };
  look();
  return {
    /** The program has printed something. */
    heard(): void {
      heard = performance.now();
    },
    stop: () => clearTimeout(timer),
  };
}
