import type { Logger } from '../../shared/logger.js';

/** Whether an operator wants this worker to take no new runs; the heartbeats bring the answer. */
export function createCordon(logger: Logger) {
  let on = false;
  const listeners: (() => void)[] = [];
  return {
    isOn: () => on,
    onChange: (listener: () => void) => void listeners.push(listener),
    /** What a heartbeat was answered. */
    told(now: boolean): void {
      if (now === on) return;
      on = now;
      logger.info(on ? 'this worker is cordoned: it takes no new runs' : 'this worker takes runs again');
      for (const listener of listeners) listener();
    },
  };
}
export type Cordon = ReturnType<typeof createCordon>;
