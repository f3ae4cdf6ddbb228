import { readFile, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Caller } from '../../client/caller.js';
import { seenBy, type WhichRun } from '../../client/find-run.js';
import { type Submission, withProfile } from '../../client/submission.js';
import { isWithin } from '../../shared/allowed-path.js';
import { UserError } from '../../shared/errors.js';
import { allows, LOCAL } from '../../shared/principal.js';
import type { Run } from '../../shared/run.js';
import { linesIn } from '../../shared/run-store/output.js';
import { isAlive } from './processes.js';
import { DEFAULT_RUNNER } from './profile-from.js';
import { deduce, type Entry, entryOf, readSessions } from './sessions-file.js';
import { SESSIONS } from './workspace.js';

/** A run of overmind, as far as its workspace tells: this pool has no other record of it. */
export interface OvermindRun {
  readonly run: Run;
  readonly output: Buffer;
  /** The status is a guess. */
  readonly uncertain: boolean;
  /** Where it was read. */
  readonly source: string;
}

const LARGEST_FILE_BYTES = 256 * 1024 * 1024;

/** The real path of a file or directory that may be read for a caller; undefined when it is not there. */
async function allowed({ pool }: Caller, path: string): Promise<string | undefined> {
  const realOf = (one: string) => realpath(one).catch(() => undefined);
  const [real, ...roots] = await Promise.all([path, process.cwd(), ...pool.config.allowedPaths].map(realOf));
  if (real === undefined) return undefined;
  if (
    isWithin(
      real,
      roots.flatMap((root) => root ?? []),
    )
  )
    return real;
  throw new UserError(
    'path_not_allowed',
    `config: ${path} is outside of the directories that this server may read`,
    'Start the server in the workspace, or add it to AGENTPOOL_ALLOWED_PATHS of the server.',
  );
}

/** The real path of a workspace and its sessions. Throws for callers who may not have files of this server read. */
async function read(caller: Caller, config: string): Promise<{ root: string; entries: readonly Entry[] }> {
  const { principal } = caller;
  if (!allows(principal, 'admin'))
    throw new UserError(
      'forbidden',
      `config: to have a file of the server read needs the scope admin, and ${principal.name} has ${principal.scopes.join(', ') || 'none'}`,
      'Leave config out, or let an administrator run agentpool import once.',
    );
  const root = await allowed(caller, resolve(config));
  if (root === undefined)
    throw new UserError(
      'no_workspace',
      `config: there is no ${config} here`,
      'Name an overmind workspace on the machine of this server, or leave config out.',
    );
  const file = await allowed(caller, join(root, SESSIONS));
  if (file === undefined) return { root, entries: [] };
  const { size, mtimeMs } = await stat(file);
  if (size > LARGEST_FILE_BYTES)
    throw new UserError(
      'no_workspace',
      `config: ${SESSIONS} has ${size} bytes`,
      'Remove what overmind does not need any more.',
    );
  const { entries, problems } = readSessions(await readFile(file, 'utf8'), mtimeMs);
  if (entries.length > 0 || problems.length === 0) return { root, entries };
  throw new UserError('no_workspace', `config: ${SESSIONS}: ${problems[0]}`, 'Repair the file, or leave config out.');
}

/** The run of an agent in the workspace that `config` names, when this pool knows no run of that name. */
export async function overmindRun(
  caller: Caller,
  config: string,
  { agentName, runner }: WhichRun,
): Promise<OvermindRun | undefined> {
  if (agentName === undefined) return undefined;
  const filter = { ...seenBy(caller.principal), ...(runner !== undefined && { runner }) };
  if (await caller.pool.runs.latest(agentName, filter)) return undefined;
  const { root, entries } = await read(caller, config);
  const entry = entryOf(entries, agentName, runner);
  if (!entry) return undefined;
  const { status, uncertain } = deduce(entry, Date.now(), isAlive); // by the clock that overmind wrote the file with
  const output = Buffer.from(entry.output);
  return {
    run: recordOf(entry, runner ?? DEFAULT_RUNNER, status, output),
    output,
    uncertain,
    source: join(root, SESSIONS),
  };
}

function recordOf(entry: Entry, runner: string, state: Run['state'], output: Buffer): Run {
  const { key, agentName, sessionId, pid, exitCode } = entry;
  const begun = Math.round(entry.ts);
  const last = entry.lastOutputAt === undefined ? undefined : Math.round(entry.lastOutputAt);
  return {
    id: `overmind:${key}`,
    runner: entry.runner ?? runner,
    agentName,
    state,
    queue: 'overmind',
    epoch: 0,
    promptBytes: 0,
    queuedAt: begun,
    startedAt: begun,
    outBytes: output.length,
    errBytes: 0,
    droppedBytes: 0,
    principal: LOCAL.name,
    lines: linesIn(output),
    ...(sessionId !== undefined && { sessionId }),
    ...(pid !== undefined && { pid }),
    ...(exitCode !== undefined && { exitCode }),
    ...(last !== undefined && { lastOutputAt: last }),
    ...(last !== undefined && (state === 'done' || state === 'failed') && { endedAt: last }),
  };
}

/**
 * Remembers the session of an agent in the workspace that `config` names as one of the caller's, so that `autoResume`
 * finds it; does nothing where this pool knows one already. Throws a UserError when overmind still uses the session.
 */
export async function adoptSession(caller: Caller, config: string, submission: Submission): Promise<void> {
  const { pool, principal } = caller;
  if (!submission.autoResume || submission.sessionId !== undefined) return;
  const { runner, agentName = runner } = await withProfile(pool, submission);
  if (!pool.runners.get(runner)?.resumeArgs) return;
  if (await pool.runs.sessions.latest(principal.name, agentName, runner)) return;
  const { root, entries } = await read(caller, config);
  const entry = entryOf(entries, agentName, runner);
  if (entry?.sessionId === undefined) return;
  if (entry.pid !== undefined && deduce(entry, Date.now(), isAlive).status === 'running')
    throw new UserError(
      'session_in_use',
      `agent ${agentName} still runs in overmind, as process ${entry.pid}, and uses session ${entry.sessionId}`,
      'Wait for its end, or leave autoResume out to begin a new session.',
    );
  const where = { host: pool.config.hostName, path: root, home: homedir() };
  await pool.runs.sessions.adopt({ id: entry.sessionId, runner, agentName, principal: principal.name, ...where }, 0);
}
