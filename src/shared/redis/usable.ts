import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import { asUnreachable } from './unreachable.js';

/** A probe is answered within this time (ms), whatever Redis does. */
const WITHIN_MS = 2_000;

export interface UsableDeps {
  /** Resolves when Redis can be asked. */
  readonly ready: () => Promise<void>;
  /** Writes something. */
  readonly write: () => Promise<unknown>;
  /** Whether notifications arrive. */
  readonly arrive: () => boolean;
}

/**
 * What tells why Redis cannot be used now: it is silent, takes no writes, or its notifications do not arrive; undefined
 * when it can. Answers within 2 s, and asks Redis one question at a time, however many ask.
 */
export function openUsable({ ready, write, arrive }: UsableDeps): () => Promise<string | undefined> {
  let asking: Promise<string | undefined> | undefined;
  const ask = () =>
    ready()
      .then(write)
      .then(
        () => (arrive() ? undefined : 'the notifications of Redis do not arrive'),
        (error: unknown) => messageOf(asUnreachable(error) ?? error),
      );
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    const late = pause(WITHIN_MS, `Redis has not answered within ${WITHIN_MS} ms`, { ref: false });
    return Promise.race([asking, late]);
  };
}
