import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../shared/logger.js';

/** Does something again and again with a pause (ms) before each time; what it throws is logged. Stopping waits for it. */
export function every(periodMs: number, logger: Logger, action: () => Promise<void>): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = (async () => {
    while (!signal.aborted) {
      await pause(periodMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await action().catch((error: unknown) => logger.warn({ err: error }, 'a heartbeat failed'));
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}
