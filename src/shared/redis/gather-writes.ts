import type { Redis } from 'ioredis';

/**
 * What is sent in one turn of the event loop goes out in one write: each is a call of the system here, and a turn of Redis'
 * own loop there. Nothing waits for it: a turn ends before anything else is done.
 */
export function gatherWrites(redis: Redis): void {
  redis.on('connect', () => {
    const { stream } = redis;
    const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
    const gathered = (...given: unknown[]) => {
      if (stream.writableCorked === 0) {
        stream.cork();
        process.nextTick(() => stream.uncork());
      }
      return write(...given);
    };
    Object.assign(stream, { write: gathered });
  });
}
