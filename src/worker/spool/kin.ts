import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { bootId, isAlive, isOlder, type ProcessId } from '../process/processes.js';
import { readOwn } from './own-files.js';
import { type Spool, writeOwn } from './spool.js';
import type { SpoolMeta } from './spool-meta.js';

const KIN = 'kin.json';
const stored = z.array(z.object({ pid: z.number().int().min(2), start: z.string() })).max(10_000);

/** Writes down which processes descend from the program of a spool, for the next worker. */
export function rememberKin(spool: Spool, living: readonly ProcessId[]): void {
  try {
    writeOwn(spool, KIN, JSON.stringify(living));
  } catch {} // then the next worker finds those that carry the mark
}

/**
 * Who is known to descend from the program of a spool. The program can write there, so it is a hint: only who lives, as
 * the same process, and was not there before the wrapper of the run, is taken for one. Throws where we cannot look who
 * lives.
 */
export function rememberedKin(
  spool: Spool,
  { wrapper, bootId: boot }: Pick<SpoolMeta, 'wrapper' | 'bootId'>,
): ProcessId[] {
  if (!wrapper || boot !== bootId()) return [];
  const kin = readKin(spool);
  return kin.filter((one) => one.pid !== process.pid && isAlive(one) && !isOlder(one, wrapper) && mayBeOf(spool, one));
}

function readKin(spool: Spool): ProcessId[] {
  try {
    return stored.parse(JSON.parse(readOwn(join(spool.directory, KIN)) ?? '[]'));
  } catch {
    return [];
  }
}

/** A process named in another user's spool must belong to that user; otherwise root would end any process that the user names. */
function mayBeOf({ directory }: Spool, { pid }: ProcessId): boolean {
  const owner = lstatSync(directory).uid;
  return owner === process.geteuid?.() || lstatSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === owner;
}
