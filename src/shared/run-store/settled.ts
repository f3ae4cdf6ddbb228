import { setTimeout as pause } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { RedisRefusedError } from '../errors.js';
import { sharedByTurn } from '../redis/by-turn.js';
import type { RedisClient } from '../redis/connect.js';
import type { Replicas } from '../redis/replicas.js';
import type { RunScripts } from './scripts.js';

const LOOK_EVERY_MS = 5;
/**
 * While Redis syncs its file it may keep what is new to itself, for 2 s at most. Longer than this (ms) nobody waits:
 * the disk of Redis is in trouble then, and a tool has to answer within 5 s.
 */
const SETTLE_WITHIN_MS = 2_500;

/**
 * Resolves once Redis has written to its append-only file what it was told so far, by the server that has a key: a crash
 * of Redis does not make it forget that any more. One question as a rule; at once where Redis keeps no such file.
 */
async function settledOn(redis: RunScripts, key: string): Promise<void> {
  const deadline = performance.now() + SETTLE_WITHIN_MS;
  let [written, waiting] = await redis.appendOnlyFile(key);
  let goal = written + waiting;
  while (waiting > 0 && written < goal && performance.now() < deadline) {
    await pause(LOOK_EVERY_MS);
    const before = written;
    [written, waiting] = await redis.appendOnlyFile(key);
    if (written < before) goal = written + waiting; // the file was written anew, shorter
  }
}

/** What waits for the append-only file of the server that has a key; all who ask one server in a turn wait together. */
export function openSettled(redis: RedisClient & RunScripts, anyKey: string): (key: string) => Promise<void> {
  if (redis instanceof Cluster) return (key) => settledOn(redis, key);
  return sharedByTurn(() => settledOn(redis, anyKey));
}

/**
 * Resolves once neither a crash of Redis nor a failover undoes what it was told about a run so far. Throws a
 * RedisRefusedError when replicas do not confirm it, or one that knows nothing of the run has become the master.
 */
export async function kept(
  redis: RedisClient,
  replicas: Replicas,
  runKey: string,
  settled: (key: string) => Promise<void>,
): Promise<void> {
  await Promise.all([settled(runKey), replicas.confirmed()]);
  if ((await redis.exists(runKey)) === 1) return;
  throw new RedisRefusedError(
    'a failover of Redis has forgotten this run just now',
    'It was not accepted. Ask again (with the same clientToken, where there was one).',
  );
}
