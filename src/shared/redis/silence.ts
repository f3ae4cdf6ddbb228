import type { Redis } from 'ioredis';

/**
 * How often a connection is looked at (ms). One that has been quiet since the last look is asked with PING; notifications
 * are tried more often than this, so in a process that has them it is not asked as long as it answers.
 */
const LOOK_EVERY_MS = 2_500;
/**
 * So many looks on end without a byte, and the connection is dropped: between 5 and 7.5 s after the last one. Looks are
 * counted and not time, so an event loop that stood still, or a process that was stopped, does not make Redis silent.
 */
const SILENT_LOOKS = 3;

/**
 * Drops the socket of a connection that sends nothing, although it was asked: TCP alone notices that after a quarter of
 * an hour. The client then connects anew by itself. RESP3 allows PING to a connection that has subscribed.
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
