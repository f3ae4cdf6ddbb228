import { setTimeout as pause } from 'node:timers/promises';
import type { RunScripts } from './scripts.js';

const LOOK_EVERY_MS = 5;
/**
 * While Redis syncs its file it may keep what is new to itself, for 2 s at most. Longer than this (ms) nobody waits:
 * the disk of Redis is in trouble then, and a tool has to answer within 5 s.
 */
const SETTLE_WITHIN_MS = 2_500;

/**
 * Resolves once Redis has written to its append-only file what it was told about a run so far: a crash of Redis does
 * not make it forget that any more. One question as a rule; at once where Redis keeps no such file.
 */
export async function settled(redis: Pick<RunScripts, 'appendOnlyFile'>, runKey: string): Promise<void> {
  const deadline = performance.now() + SETTLE_WITHIN_MS;
  let [written, waiting] = await redis.appendOnlyFile(runKey);
  let goal = written + waiting;
  while (waiting > 0 && written < goal && performance.now() < deadline) {
    await pause(LOOK_EVERY_MS);
    const before = written;
    [written, waiting] = await redis.appendOnlyFile(runKey);
    if (written < before) goal = written + waiting; // the file was written anew, shorter
  }
}
