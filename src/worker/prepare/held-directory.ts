import { closeSync, constants, openSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { codeOf } from '../../shared/errors.js';
import { actAs, type Credentials } from '../process/act-as.js';

/** Linux's O_PATH: opens a directory without the permission to list it. Node has no constant for it. */
const O_PATH = 0x200000;
const linux = process.platform === 'linux';

/** A directory's path leads elsewhere than when it was checked. */
export class DirectoryMoved extends Error {}

/** The user that a program would run as may not enter its directory. */
export class DirectoryClosed extends Error {}

/** An open directory: it stays the same one when its path is renamed or replaced. */
export interface HeldDirectory {
  /** The working directory for a process that is started while it is held. */
  readonly cwd: string;
  close(): void;
}

/**
 * Opens a directory whose real path was checked before, since anybody who may write to a parent can have replaced it by a
 * link meanwhile. Throws DirectoryMoved when the path leads elsewhere now, and the error of the system when the host is at fault.
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
 * Throws DirectoryClosed when a user may not enter a directory by its path. A worker that is root could start the program in
 * any directory, even below a parent that is closed to that user.
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

/** A program may run there by then, so an error here must not be reported as a failed start. */
function closeQuietly(handle: number): void {
  try {
    closeSync(handle);
  } catch {}
}
