import { closeSync, constants, openSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { codeOf } from '../../shared/errors.js';
import { actAs, type Credentials } from '../process/act-as.js';

/** Opens a directory only to be in it, for which the right to list it is not needed; Node has no name for it. */
const O_PATH = 0x200000;
const linux = process.platform === 'linux';

/** The name of a directory leads elsewhere than when it was checked. */
export class DirectoryMoved extends Error {}

/** The user that a program is to have may not be in a directory. */
export class DirectoryClosed extends Error {}

/** A directory that stays the same one, whatever becomes of its name. */
export interface HeldDirectory {
  /** The working directory for a process that is started while it is held. */
  readonly cwd: string;
  close(): void;
}

/**
 * Takes hold of a directory whose real path was checked before: who can write above it may have put a link in its place
 * since. Throws DirectoryMoved when its name leads elsewhere now, and what the system says of this host.
 */
export function holdDirectory(path: string): HeldDirectory {
  const moved = () => new DirectoryMoved(`path ${path} is no longer the directory that was checked`);
  try {
    if (!linux) {
      if (realpathSync(path) !== path) throw moved();
      return { cwd: path, close: () => {} };
    }
    const handle = openSync(path, O_PATH | constants.O_DIRECTORY);
    const cwd = `/proc/self/fd/${handle}`; // of the new process, too: it has our descriptors until it becomes its program
    if (leadsTo(cwd, path, handle)) return { cwd, close: () => closeQuietly(handle) };
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(codeOf(error) ?? '')) throw error;
  }
  throw moved();
}

/**
 * Throws DirectoryClosed when a user may not enter a directory by its name: we of root put his program into any, also
 * into one that is his only where somebody above it has let nobody in.
 */
export function checkEnterable(path: string, user: Credentials): void {
  try {
    actAs(user, () => statSync(`${path}/.`));
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error;
    throw new DirectoryClosed(
      `path ${path} cannot be entered by the user ${user.uid} that its program has (AGENTPOOL_RUN_AS)`,
    );
  }
}

/** Closes the descriptor unless it is of the directory that has this path. */
function leadsTo(link: string, path: string, handle: number): boolean {
  let isSame = false;
  try {
    isSame = readlinkSync(link) === path;
    return isSame;
  } finally {
    if (!isSame) closeQuietly(handle);
  }
}

/** By then a program may run there, so nothing may be said to have gone wrong. */
function closeQuietly(handle: number): void {
  try {
    closeSync(handle);
  } catch {}
}
