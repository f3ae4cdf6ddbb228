import { Cluster } from 'ioredis';
import type { RedisClient } from './connect.js';

/** A command with its arguments; a script that the client knows is one, too. */
export type CommandLine = [name: string, ...args: (string | number | Buffer)[]];

/**
 * Has Redis execute commands in steps; answers what came of each. One server is told all in one message and keeps the
 * order. On a cluster, where each command may belong to another server, a step begins after all of the one before has
 * succeeded: where one server is away, nothing is done of what was to come after it, and that is refused for the same reason.
 */
export async function inOrder(
  redis: RedisClient,
  ...steps: readonly CommandLine[][]
): Promise<PromiseSettledResult<unknown>[][]> {
  if (redis instanceof Cluster) {
    const settled: PromiseSettledResult<unknown>[][] = [];
    for (const step of steps) {
      const refused = settled.flat().find(({ status }) => status === 'rejected');
      settled.push(
        refused ? step.map(() => refused) : await Promise.allSettled(step.map((line) => single(redis, line))),
      );
    }
    return settled;
  }
  const replies = (await redis.pipeline(steps.flat()).exec()) ?? [];
  let at = 0;
  return steps.map((step) =>
    step.map(() => {
      const [error, value] = replies[at++] ?? [new Error('Redis did not answer'), undefined];
      return error ? { status: 'rejected', reason: error } : { status: 'fulfilled', value };
    }),
  );
}

async function single(redis: Cluster, line: CommandLine): Promise<unknown> {
  const [[error, value] = []] = (await redis.pipeline([line]).exec()) ?? [];
  if (error) throw error;
  return value;
}
