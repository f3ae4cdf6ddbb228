import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

/** A connection to the Redis of a world. */
export const connectTo = (world) =>
  new Redis({ path: world.env.REDIS_URL.replace('unix://', ''), maxRetriesPerRequest: null });

/**
 * The peer of most figures: a bare BullMQ queue whose processor starts `sh -s`, gives it the job's text as stdin and waits
 * for its end. `onWord` is called with the job's id at the first byte that a program prints.
 */
export function bareBullMq(world, { concurrency = 1, onWord = () => {} } = {}) {
  const connection = connectTo(world);
  const queue = new Queue('bare', { connection });
  const worker = new Worker(
    'bare',
    async (job) => {
      const child = spawn('/bin/sh', ['-s'], { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdout.once('data', () => onWord(job.id));
      child.stdin.end(job.data.prompt);
      await once(child, 'exit');
    },
    { connection, concurrency },
  );
  return {
    add: (prompt) => queue.add('bare', { prompt }),
    /** Resolves when so many jobs have ended since it was asked. */
    ended(count) {
      return new Promise((resolve) => {
        let left = count;
        const listener = () => {
          left -= 1;
          if (left > 0) return;
          worker.off('completed', listener);
          resolve();
        };
        worker.on('completed', listener);
      });
    },
    ready: () => worker.waitUntilReady(),
    async stop() {
      await worker.close();
      await queue.close();
      connection.disconnect();
    },
  };
}
