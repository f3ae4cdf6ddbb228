import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../shared/logger.js';

export interface EveryOptions {
  /** What the log says when it fails. */
  readonly failed: string;
  readonly logger: Pick<Logger, 'warn'>;
  /** Also now, and not only after the first pause. */
  readonly atOnce?: boolean;
}

/** Does something again and again, with a pause (ms) in between; what it throws is logged. Stopping waits for it. */
export function every(
  periodMs: number,
  action: () => Promise<void>,
  { failed, logger, atOnce = false }: EveryOptions,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const act = () => action().catch((error: unknown) => logger.warn({ err: error }, failed));
  const loop = (async () => {
    if (atOnce) await act();
    while (!signal.aborted) {
      await pause(periodMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await act();
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}
