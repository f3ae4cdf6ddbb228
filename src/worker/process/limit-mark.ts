import { createHash } from 'node:crypto';

/** Above everything that a machine has (KiB). */
const LEAST = 2n ** 44n;

/**
 * The second mark of a run's processes, for those that overwrite or throw away their environment: a soft limit of resident
 * memory, as `ulimit -m` takes it (KiB). It is inherited whatever a process does with its environment, session and parents,
 * and means nothing otherwise: Linux enforces no such limit, and this one is beyond any memory.
 */
export function limitMark(runId: string): bigint {
  const digits = createHash('sha256').update(runId).digest('hex').slice(0, 11);
  return LEAST + BigInt(`0x${digits}`);
}

/** The mark that /proc/PID/limits shows, if it shows one. */
export function limitMarkIn(limits: string): bigint | undefined {
  const [, bytes] = /^Max resident set +(\d+) /m.exec(limits) ?? [];
  return bytes === undefined ? undefined : BigInt(bytes) / 1024n;
}

/** Whether /proc/PID/limits shows the mark of a run. */
export const hasLimitMark = (limits: string, mark: bigint): boolean => limitMarkIn(limits) === mark;
