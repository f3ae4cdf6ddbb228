import { SILENT_BEATS } from '../../shared/workers/beating.js';

/**
 * Whether this worker may call others silent: only after Redis has answered it for three heartbeats in a row. After an outage
 * of Redis, or a pause of this process, all others seem to have been silent, and are about to send their heartbeats.
 */
export function createContact(heartbeatMs: number, now: () => number = () => performance.now()) {
  const enough = SILENT_BEATS * heartbeatMs;
  let since = now();
  let last = since;
  const broken = () => now() - last > enough;
  return {
    /** Redis has answered our heartbeat. */
    heard(): void {
      if (broken()) since = now();
      last = now();
    },
    isSteady: () => !broken() && now() - since >= enough,
  };
}
export type Contact = ReturnType<typeof createContact>;
