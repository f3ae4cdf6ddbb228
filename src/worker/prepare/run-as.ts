import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../shared/config/load.js';
import { ConfigError } from '../../shared/errors.js';
import { actAs, type Credentials } from '../process/act-as.js';

/** Another user of this machine, as whom programs are started. */
export interface OtherUser extends Credentials {
  readonly name: string;
  /** Undefined where the system knows none. */
  readonly home: string | undefined;
}

/** As whom the programs of a runner are started; undefined: as the user of the worker. */
export type UserOf = (runner: string) => OtherUser | undefined;

/** What of the worker's environment is about the worker's own user. */
const OF_OUR_USER = /^(USER|LOGNAME|SHELL|MAIL|XDG_\w+|TMPDIR|TMP|TEMP)$/;

/**
 * As whom each runner's programs are started. Throws one ConfigError with everything that prevents it: only root can do
 * that, and the user has to be there.
 */
export function usersOf(runAs: Config['runAs']): UserOf {
  const entries = Object.entries(runAs);
  if (entries.length > 0 && process.getuid?.() !== 0)
    throw new ConfigError(['AGENTPOOL_RUN_AS: only a worker of root can start programs as another user']);
  const problems: string[] = [];
  const users = new Map<string, OtherUser>();
  for (const [runner, wanted] of entries) {
    const user = lookedUp(wanted);
    if (user === undefined) problems.push(`AGENTPOOL_RUN_AS: this machine has no user ${wanted}`);
    else if (user.uid === 0) problems.push(`AGENTPOOL_RUN_AS: ${wanted} is root, who is not kept from anything`);
    else users.set(runner, user);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return (runner) => users.get(runner) ?? users.get('*');
}

/**
 * Lets the users pass through AGENTPOOL_HOME to their spools, and through nothing else in it: names cannot be listed, and
 * what lies there has modes of its own. Throws a ConfigError when they cannot get there, or could read the secrets.
 */
export function letOthersReach(spools: string, home: string, userOf: UserOf, runners: readonly string[]): void {
  const users = new Set(runners.flatMap((runner) => userOf(runner) ?? []));
  if (users.size === 0) return;
  for (let at = spools; at.startsWith(home); at = dirname(at)) chmodSync(at, 0o711);
  const readable = readdirSync(home).filter((name) => {
    const stat = lstatSync(join(home, name), { throwIfNoEntry: false });
    return stat?.isFile() && (stat.mode & 0o044) !== 0;
  });
  if (readable.length > 0)
    throw new ConfigError(
      readable.map((name) => `AGENTPOOL_RUN_AS: others may read ${join(home, name)}: chmod 600 ${join(home, name)}`),
    );
  const unable = [...users].filter((user) => !actAs(user, () => isReachable(spools)));
  if (unable.length > 0)
    throw new ConfigError(
      unable.map(
        ({ name }) =>
          `AGENTPOOL_RUN_AS: ${name} cannot reach ${spools}; set AGENTPOOL_HOME to a directory that others may pass through, such as /var/lib/agentpool`,
      ),
    );
}

/** The environment of a program of another user: nothing in it leads to ours. */
export function environmentAs(
  user: OtherUser | undefined,
  inherited: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (!user) return inherited;
  const { HOME: _, ...rest } = Object.fromEntries(
    Object.entries(inherited).filter(([name]) => !OF_OUR_USER.test(name)),
  );
  return { ...rest, USER: user.name, LOGNAME: user.name, ...(user.home !== undefined && { HOME: user.home }) };
}

function isReachable(directory: string): boolean {
  try {
    return statSync(`${directory}/.`).isDirectory();
  } catch {
    return false;
  }
}

/** A user by name, or by numbers as `uid:gid`. */
function lookedUp(wanted: string): OtherUser | undefined {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(wanted) ?? [];
  const [name, , ofUid, ofGid, , home] = entryOf(uid ?? wanted) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid), name: name ?? uid, home };
  if (name === undefined) return undefined;
  return { uid: Number(ofUid), gid: Number(ofGid), name, home };
}

/** What the system knows of a user, by name or number: also where users come from elsewhere than /etc/passwd. */
function entryOf(user: string): string[] | undefined {
  const lines = () => {
    try {
      return execFileSync('getent', ['passwd', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return readFileSync('/etc/passwd', 'utf8'); // a system without getent, or without that user
    }
  };
  return lines()
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name, , uid]) => name === user || uid === user);
}
