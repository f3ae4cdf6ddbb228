import { rideOut } from '../shared/redis/ride-out.js';
import type { Caller } from './caller.js';

/** An outage is told at once, then once in this time (ms). */
const TELL_EVERY_MS = 5_000;

/**
 * Asks again while Redis is away or refuses, until a time of `performance.now()`, and tells the caller that its wait goes
 * on. Throws what was thrown last when the time is up, and every other error.
 */
export function patiently<Value>(
  { signal, progress }: Pick<Caller, 'signal' | 'progress'>,
  action: () => Promise<Value>,
  deadline: number,
): Promise<Value> {
  let told = Number.NEGATIVE_INFINITY;
  const tell = ({ message }: Error) => {
    if (performance.now() - told < TELL_EVERY_MS) return;
    told = performance.now();
    progress?.(`${message}; the wait goes on`);
  };
  return rideOut(action, deadline, signal, tell);
}
