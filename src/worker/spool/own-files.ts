import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../../shared/errors.js';
import { actAs, isRoot } from '../process/act-as.js';

/**
 * The files of a spool lie in the reach of its program, which may replace each of them, and the directory itself, by a
 * link, a pipe or another file. Whatever we do there is done to what is ours: nothing is followed, nothing blocks. The
 * spool of a program that root has started as another user belongs to that user, and is touched only with that user's rights.
 */
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const linux = process.platform === 'linux';
/** No small file of a spool is longer (bytes). */
const MOST_READ = 1024 * 1024;

const isOurs = (uid: number) => process.geteuid === undefined || uid === process.geteuid();

/** Does something to the files of a directory, by a path that leads into no other one; undefined when it is not ours. */
export function within<Value>(directory: string, action: (path: string) => Value): Value | undefined {
  let handle: number;
  try {
    handle = openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
  try {
    const { uid, gid } = fstatSync(handle);
    const inside = () => action(linux ? `/proc/self/fd/${handle}` : directory);
    if (isOurs(uid)) return inside();
    return isRoot() ? actAs({ uid, gid }, inside) : undefined;
  } finally {
    closeSync(handle);
  }
}

/** Opens a file of a spool; undefined when it is not there, or is anything but a plain file of ours. Throws other errors. */
export function openOwn(file: string, flags: number = O_RDONLY): number | undefined {
  return within(dirname(file), (directory) => openIn(directory, basename(file), flags));
}

/** The same, in a directory that `within` has opened. */
export function openIn(directory: string, name: string, flags: number): number | undefined {
  let handle: number;
  try {
    handle = openSync(join(directory, name), flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    // A link (ELOOP), a pipe without a reader (ENXIO), a directory: none of them is the file that we made.
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
  const stat = fstatSync(handle);
  // Two names: a file from elsewhere was linked in here.
  if (stat.isFile() && isOurs(stat.uid) && stat.nlink === 1) return handle;
  closeSync(handle);
  return undefined;
}

/** The text of a small file of a spool, undefined when it does not exist or is not ours. */
export function readOwn(file: string): string | undefined {
  const handle = openOwn(file);
  if (handle === undefined) return undefined;
  try {
    return textOf(handle);
  } finally {
    closeSync(handle);
  }
}

/** The text of a small open file. */
export function textOf(handle: number): string {
  const buffer = Buffer.alloc(Math.min(MOST_READ, fstatSync(handle).size));
  return buffer.toString('utf8', 0, readSync(handle, buffer, 0, buffer.length, 0));
}

/** How long a file of a spool is (bytes); 0 for whatever else lies there. */
export function sizeOfOwn(file: string): number {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : 0;
}

/** Removes what a spool holds under these names; links are removed, never followed. */
export function removeOwn(directory: string, names: readonly string[]): void {
  within(directory, (path) => {
    for (const name of names) {
      const file = join(path, name);
      const stat = lstatSync(file, { throwIfNoEntry: false });
      if (stat?.isDirectory()) rmSync(file, { recursive: true, force: true });
      else if (stat) unlinkSync(file); // many times as fast
    }
  });
}

/** The same as `removeOwnDirectory`, beside what else this process does, where it is the directory of our own user. */
export async function removeOwnDirectoryAside(directory: string): Promise<void> {
  const owner = lstatSync(directory, { throwIfNoEntry: false })?.uid;
  if (owner !== undefined && isOurs(owner)) await rm(directory, { recursive: true, force: true });
  else removeOwnDirectory(directory);
}

/** Removes a whole spool, whether it belongs to us or to the user of its program; a link in its place is removed, never followed. */
export function removeOwnDirectory(directory: string): void {
  const owner = lstatSync(directory, { throwIfNoEntry: false })?.uid;
  if (owner === undefined) return;
  if (isOurs(owner)) {
    rmSync(directory, { recursive: true, force: true });
    return;
  }
  within(directory, (path) => {
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
  });
  rmdirSync(directory); // only we may change what it is in
}
