import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError, codeOf, messageOf } from '../errors.js';

/** Anybody on this machine may write into it, unless the sticky bit keeps strangers from renaming what is not theirs. */
const openToAll = (mode: number) => (mode & 0o1002) === 0o002;

/** Makes AGENTPOOL_HOME, or a directory in it, for our user alone. Throws a ConfigError where that cannot be. */
export function privateDirectory(path: string, home = path): string {
  try {
    makeWithParents(path);
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new ConfigError([
      `AGENTPOOL_HOME: ${home} cannot be written (${messageOf(error)}); give it a directory of yours`,
    ]);
  }
  if (openToAll(statSync(home).mode))
    throw new ConfigError([
      `AGENTPOOL_HOME: everybody on this machine may write into ${home}, and so put a Redis of their own there: chmod 700 ${home}`,
    ]);
  return path;
}

/** Node's own `recursive` never comes back where a parent exists that takes no directories, such as /proc. */
function makeWithParents(path: string): void {
  try {
    makeOne(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    makeWithParents(dirname(path));
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
