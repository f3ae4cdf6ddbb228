import { SILENT_BEATS } from '../../shared/workers/workers.js';

/**
 * Whether we may judge who is silent: only after we ourselves have heard from Redis for three heartbeats on end. When
 * Redis was away, or we were paused, everybody else seems to have been silent, and is about to say that he lives.
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
