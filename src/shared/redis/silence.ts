import type { Redis } from 'ioredis';

/**
 * How often a connection is checked (ms). One that has been quiet since the last check gets a PING. Notifications are tested
 * more often than this, over both connections of a process, so neither gets one as long as Redis answers.
 */
const LOOK_EVERY_MS = 2_500;
/**
 * After so many checks in a row without a byte the connection is dropped: 5 to 7.5 s after the last byte. Checks are counted
 * instead of time, so that a blocked event loop or a stopped process is not taken for a silent Redis.
 */
const SILENT_LOOKS = 3;

/**
 * Drops the socket of a connection that does not answer a PING; TCP alone would need a quarter of an hour to notice. The
 * client then reconnects by itself. RESP3 allows PING on a connection that has subscribed.
 */
export function dropWhenSilent(redis: Redis): void {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => clearInterval(timer);
  // Before the handshake, since that may be the command that is never answered.
  redis.on('connect', () => {
    stop();
    const { stream } = redis;
    let silentLooks = 0;
    stream.on('data', () => {
      silentLooks = 0;
    });
    timer = setInterval(() => {
      silentLooks += 1;
      if (silentLooks >= SILENT_LOOKS) {
        stop();
        stream.destroy(new SilentError());
      } else if (silentLooks === 2 && redis.status === 'ready') redis.ping().catch(() => {});
    }, LOOK_EVERY_MS);
    stream.once('close', stop);
  });
  redis.on('end', stop);
}

/** Why a connection was dropped. */
class SilentError extends Error {
  override readonly name = 'SilentError';
  constructor() {
    super(`no answer for ${(LOOK_EVERY_MS * SILENT_LOOKS) / 1000} s: the connection was dropped`);
  }
}
