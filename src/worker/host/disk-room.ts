import { type StatsFs, statfsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';

/** Free room of the file system under a directory. */
export interface DiskRoom {
  readonly bytes: number;
  /** Undefined: this file system makes inodes as it needs them. */
  readonly inodes: number | undefined;
  readonly allInodes: number;
}

/** What a few starts need; on a small file system a fiftieth of what it has. */
const RESERVED_INODES = 1_000;
/** With less than this, one write of a program may have been cut short (bytes). */
const FULL_BYTES = 64 * 1024;
const MARGIN = 1.25;
const MIB = 1024 * 1024;

function roomFrom({ bsize, bfree, bavail, files, ffree }: StatsFs): DiskRoom {
  const blocks = process.getuid?.() === 0 ? bfree : bavail; // some file systems keep the last ones for root
  return { bytes: blocks * bsize, inodes: files > 0 ? ffree : undefined, allInodes: files };
}

export const diskRoom = async (directory: string): Promise<DiskRoom> => roomFrom(await statfs(directory));

/** Whether nothing more can be written, as far as one can tell. */
export const isFull = ({ bytes }: DiskRoom): boolean => bytes < FULL_BYTES;

/** The same for a directory, now. */
export const isDiskFull = (directory: string): boolean => isFull(roomFrom(statfsSync(directory)));

/** What is wrong with the room on a disk; undefined when there is more than the reserve. */
export function lackOfRoom({ bytes, inodes, allInodes }: DiskRoom, reserveBytes: number): string | undefined {
  if (bytes < reserveBytes) {
    const [free, reserve] = [bytes, reserveBytes].map((amount) => `${(amount / MIB).toFixed(1)} MiB`);
    return `the disk of its spools has ${free} free, and AGENTPOOL_SPOOL_RESERVE_BYTES keeps ${reserve}`;
  }
  if (inodes !== undefined && inodes < Math.min(RESERVED_INODES, allInodes / 50))
    return `the file system of its spools has only ${inodes} inodes left`;
  return undefined;
}

/** Throws while there is too little room, with a margin, so that a host is not well and unwell in turn. */
export async function checkRoom(directory: string, reserveBytes: number): Promise<void> {
  const lack = lackOfRoom(await diskRoom(directory), reserveBytes * MARGIN);
  if (lack) throw new Error(lack);
}
