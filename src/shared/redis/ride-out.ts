import { setTimeout as pause } from 'node:timers/promises';
import { UnreachableError } from '../errors.js';
import { asUnreachable } from './unreachable.js';

/** How soon it is tried again (ms). */
const TRY_EVERY_MS = 250;

/**
 * Asks again while Redis is away or refuses, until a time of `performance.now()`; then, and for every other error, throws
 * what was thrown last. `onFault` is told of each try that found Redis away. For whoever waits anyway.
 */
export async function rideOut<Value>(
  action: () => Promise<Value>,
  deadline: number,
  signal?: AbortSignal,
  onFault?: (fault: UnreachableError) => void,
): Promise<Value> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const left = deadline - performance.now();
      const fault = asUnreachable(error);
      if (!(fault instanceof UnreachableError) || left <= 0 || signal?.aborted) throw error;
      onFault?.(fault);
      await pause(Math.min(left, TRY_EVERY_MS), undefined, signal && { signal }).catch(() => {});
    }
  }
}
