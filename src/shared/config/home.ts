import { accessSync, constants, lstatSync, mkdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { ConfigError, codeOf, messageOf } from '../errors.js';

/** The home directory of the user. Throws a ConfigError when the system knows none. */
export function userHome(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return env.HOME || homedir();
  } catch {
    throw new ConfigError(['HOME: it is not set, and this user has no entry in the list of users; set HOME']);
  }
}

/** Creates AGENTPOOL_HOME, or a directory in it, accessible only to our user. Throws a ConfigError when it cannot. */
export function privateDirectory(path: string, home = path): string {
  try {
    makeWithParents(path);
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new ConfigError([
      `AGENTPOOL_HOME: ${home} cannot be written (${messageOf(error)}); give it a directory of yours`,
    ]);
  }
  const problem = strangerAbove(path);
  if (problem !== undefined) throw new ConfigError([`AGENTPOOL_HOME: ${problem}`]);
  return path;
}

/** Throws a ConfigError when a file or socket exists and belongs to another user. */
export function mustBeOurs(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  const uid = process.getuid?.();
  if (found && uid !== undefined && found.uid !== uid)
    throw new ConfigError([`${path} belongs to another user (uid ${found.uid}), so it is not used; remove it`]);
}

/**
 * Who could replace a directory by one of their own: another user who owns it or a parent of it, or who may write to one of
 * these. Symbolic links are followed, and checked themselves. Undefined when nobody can.
 */
function strangerAbove(path: string): string | undefined {
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  // The owner of the root directory is the administrator, whatever user id the container shows for them.
  const trusted = (owner: number) => [uid, 0, statSync('/').uid].includes(owner);
  const check = (at: string) => {
    const entry = lstatSync(at);
    if (at === path && statSync(at).uid !== uid)
      return `${at} belongs to another user (uid ${statSync(at).uid}); give it a directory of yours`;
    if (!trusted(entry.uid)) return `${at} belongs to another user (uid ${entry.uid}), who could replace what is in it`;
    if (entry.isDirectory() && openToAll(entry))
      return `everybody on this machine may write into ${at}, and so put a Redis of their own there: chmod 700 ${at}`;
    return undefined;
  };
  // The path as it is named comes first, from the top: the system may follow a stranger's link not even for root.
  for (const at of levels(path)) {
    const problem = check(at);
    if (problem !== undefined) return problem;
  }
  return levels(realpathSync(path))
    .map(check)
    .find((problem) => problem !== undefined);
}

/** Whether any user of this machine may write into it, and no sticky bit keeps them from renaming the files of others. */
const openToAll = ({ mode }: Stats) => (mode & 0o1002) === 0o002;

/** A path and all that it is in. */
function levels(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [...levels(above), path];
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
