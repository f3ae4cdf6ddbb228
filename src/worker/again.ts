import { setTimeout as pause } from 'node:timers/promises';

/** After a failure that may pass, such as Redis out of memory (ms). */
const TRY_AGAIN_MS = 1_000;

/** Does something until it succeeds; answers undefined when the signal was aborted before. */
export async function again<Value>(
  action: () => Promise<Value>,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<Value | undefined> {
  while (!signal.aborted)
    try {
      return await action();
    } catch (error) {
      if (signal.aborted) break;
      onFailure(error);
      await pause(TRY_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  return undefined;
}
