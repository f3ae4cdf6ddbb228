import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isWithin } from '../../shared/allowed-path.js';
import { codeOf } from '../../shared/errors.js';

/** No file of a workspace that means something is larger. */
const LARGEST_FILE_BYTES = 256 * 1024 * 1024;

/** A file of a workspace, and when it was changed (ms). */
export interface WorkspaceFile {
  readonly text: string;
  readonly mtimeMs: number;
}

/**
 * Reads a file of a workspace; undefined when it is not there. A workspace may be anybody's checkout: a link that leads
 * out of it, a pipe or a huge file is an error, and what is looked at is what is then read.
 */
export function readInside(root: string, file: string): WorkspaceFile | undefined {
  const path = join(root, file);
  let handle: number;
  try {
    handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const real = process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${handle}`) : realpathSync(path);
    if (!isWithin(real, [realpathSync(root)])) throw new Error('it is a link that leads out of the workspace');
    const stat = fstatSync(handle);
    if (!stat.isFile()) throw new Error('it is not a file');
    if (stat.size > LARGEST_FILE_BYTES) throw new Error(`it has ${stat.size} bytes`);
    return { text: readFileSync(handle, 'utf8'), mtimeMs: stat.mtimeMs };
  } finally {
    closeSync(handle);
  }
}
