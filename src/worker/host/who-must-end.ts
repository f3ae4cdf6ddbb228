/** A run whose program may still write to the disk. */
export interface Growing {
  readonly runId: string;
  readonly bytes: number;
  /** It is already being ended to free disk space. */
  readonly ending: boolean;
  /** What it has printed since disk space became short (bytes). */
  readonly printed: number;
}

/** Why a run is ended to protect the others. */
export type RoomReason = 'spool_quota' | 'disk_full';

export interface Room {
  readonly growing: readonly Growing[];
  readonly quotaBytes: number;
  readonly freeBytes: number;
  readonly reserveBytes: number;
}

/** When less than this part of the reserve is free, all runs that print much are ended at once; one at a time is too slow. */
const LAST_PART = 1 / 4;
/** A run that has printed less than this part of the reserve meanwhile is not the one that fills the disk. */
const SMALL_PART = 1 / 64;

/**
 * Which runs are ended so that the others keep their output: over the quota, the largest; on a disk with less free space than
 * the reserve, the one that prints most, and all that print much when the disk is nearly full. Runs that print little are
 * left alone. Runs that are already ending count as freed.
 */
export function whoMustEnd({ growing: all, quotaBytes, freeBytes, reserveBytes }: Room): Map<string, RoomReason> {
  const growing = all.filter(({ ending }) => !ending);
  const largestFirst = [...growing].sort((a, b) => b.bytes - a.bytes);
  const ending = new Map<string, RoomReason>();
  if (freeBytes < reserveBytes) {
    const most = growing.filter(({ printed }) => printed > reserveBytes * SMALL_PART);
    const printing = most.sort((a, b) => b.printed - a.printed);
    for (const { runId } of freeBytes < reserveBytes * LAST_PART ? printing : printing.slice(0, 1))
      ending.set(runId, 'disk_full');
  }
  const [largest] = largestFirst;
  const used = growing.reduce((sum, { bytes }) => sum + bytes, 0);
  if (largest && used > quotaBytes && !ending.has(largest.runId)) ending.set(largest.runId, 'spool_quota');
  return ending;
}
