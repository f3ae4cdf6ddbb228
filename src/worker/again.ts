import { setTimeout as pause } from 'node:timers/promises';

/** After a failure that may pass, such as Redis out of memory: the first pause and the longest (ms). */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** Does something until it succeeds; answers undefined when the signal was aborted before. */
export async function again<Value>(
  action: () => Value | Promise<Value>,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<Value | undefined> {
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS))
    try {
      return await action();
    } catch (error) {
      if (signal.aborted) break;
      onFailure(error);
      await pause(pauseMs, undefined, { signal }).catch(() => {});
    }
  return undefined;
}
