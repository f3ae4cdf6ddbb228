import {
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ConfigFile } from '../../shared/runners/runner.js';
import { SPOOL_FORM } from '../../shared/stored-form.js';
import { layOver } from '../prepare/lay-over.js';
import type { Credentials } from '../process/act-as.js';
import {
  openIn,
  openOwn,
  readOwn,
  removeOwn,
  removeOwnDirectory,
  removeOwnDirectoryAside,
  sizeOfOwn,
  textOf,
  within,
} from './own-files.js';
import { type SpoolMeta, storedMeta } from './spool-meta.js';

/** The directory of a run on the worker's disk. */
export interface Spool {
  readonly directory: string;
  readonly stdin: string;
  /** The directory of the runner's own files. */
  readonly files: string;
  readonly stdout: string;
  readonly stderr: string;
  /**
   * Made by the one wrapper that may start the program: nothing of this spool is started again. What it and the program say
   * is one line each: `<pid>`, `program <pid>`, `exit <status>`.
   */
  readonly once: string;
  /** Of the release before: the pid of the program, its exit status, and why a worker ends it, in a file each. */
  readonly before: { readonly pid: string; readonly exit: string; readonly ending: string };
}

/** Room in `meta.json` for what has to be written down later, even when the disk is full by then (bytes). */
const ROOM = 160;

/**
 * All spools of one host in one pool. The pool is part of the path, since one AGENTPOOL_HOME may serve several, and
 * the host, since several may share a volume: nobody touches a run that is not of his pool and host.
 */
export function spoolRoot(home: string, poolId: string, host: string): string {
  return join(home, 'spool', poolId, host);
}

/** The files of a run, and those of one try; of the output there is one file for all of them. */
export function spoolOf(root: string, runId: string, attempt = 1): Spool {
  const directory = join(root, runId);
  const file = (name: string) => `${directory}/${name}`; // asked for hundreds of times a second: `join` would look at all of it
  const ofAttempt = (name: string) => file(attempt === 1 ? name : `${name}-${attempt}`);
  return {
    directory,
    stdin: file('stdin'),
    files: file('files'),
    stdout: file('stdout'),
    stderr: file('stderr'),
    once: ofAttempt('once'),
    before: { pid: ofAttempt('pid'), exit: ofAttempt('exit'), ending: ofAttempt('ending') },
  };
}

/** What a program finds in its spool. */
export interface SpoolContent {
  readonly stdin: string;
  readonly files?: readonly ConfigFile[];
  /** As whom it is started; absent: as the user of the worker. */
  readonly user?: Credentials | undefined;
}

/**
 * Makes the spool of a run that is about to start. What is there stays or is replaced by the same: a worker that was
 * paused may do this when another one has started the program already. Throws what the disk says.
 */
export function createSpool(root: string, meta: SpoolMeta, { stdin, files = [], user }: SpoolContent): Spool {
  const spool = spoolOf(root, meta.runId, meta.attempt?.number);
  const isNew = mkdirSync(spool.directory, { recursive: true, mode: 0o700 }) !== undefined;
  if (user) lchownSync(spool.directory, user.uid, user.gid);
  const made = within(spool.directory, (directory) => {
    // No process knows a directory that was just made, so its files need no temporary name.
    const write = (file: string, content: string) =>
      isNew
        ? writeFileSync(join(directory, basename(file)), content, { mode: 0o600, flag: 'wx' })
        : replaceFile(file, content);
    if (isNew || !hasBegun(spool)) write(metaOf(spool), storedText(meta));
    write(spool.stdin, stdin);
    if (files.length > 0) mkdirSync(spool.files, { recursive: true, mode: 0o700 });
    for (const file of files)
      if (file.over) layOver(meta.home, spool.files, file);
      else {
        mkdirSync(dirname(join(spool.files, file.name)), { recursive: true, mode: 0o700 });
        replaceFile(join(spool.files, file.name), file.content);
      }
    for (const file of [spool.stdout, spool.stderr]) closeSync(openFor(directory, file, OUTPUT));
    return true;
  });
  if (!made) throw notOurs(spool.directory);
  return spool;
}

const OUTPUT = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;

/**
 * Opens what a program reads and what it prints into: stdin, stdout and stderr, to be closed by the caller. Throws when
 * something else lies there.
 */
export function openStreams({ directory, stdin, stdout, stderr }: Spool): number[] {
  const opened: number[] = [];
  try {
    const found = within(directory, (path) => {
      opened.push(openFor(path, stdin, constants.O_RDONLY));
      for (const file of [stdout, stderr]) opened.push(openFor(path, file, OUTPUT));
      return true;
    });
    if (!found) throw notOurs(directory);
    return opened;
  } catch (error) {
    opened.forEach(closeSync);
    throw error;
  }
}

/** Opens a file of the spool whose directory has this path. Throws when something else lies there. */
function openFor(directory: string, file: string, flags: number): number {
  const handle = openIn(directory, basename(file), flags);
  if (handle === undefined) throw notOurs(file);
  return handle;
}

const notOurs = (file: string) => new Error(`${file} was replaced by something that is not ours`);

/** Whether a wrapper has gone to work, so that the program may have been started. */
export const hasBegun = ({ once }: Spool): boolean => existsSync(once);

/** Not synced: what it is for lives no longer than the machine, whose processes a power failure ends, too. */
function replaceFile(file: string, content: string): void {
  const replaced = within(dirname(file), (directory) => {
    const path = join(directory, basename(file));
    rmSync(`${path}.tmp`, { force: true, recursive: true }); // what lies there may be a link
    writeFileSync(`${path}.tmp`, content, { mode: 0o600, flag: 'wx' });
    renameSync(`${path}.tmp`, path);
    return true;
  });
  if (!replaced) throw notOurs(dirname(file));
}

/** Writes down why the program is ended, so that the next worker knows it. A full disk does not prevent it. */
export function writeEnding(spool: Spool, ending: string): void {
  try {
    addToMeta(spool, { ending });
  } catch {} // the program is ended all the same
}

/** Why a worker before us was ending the program; undefined when none was. */
export function readEnding(spool: Spool, { ending }: Pick<SpoolMeta, 'ending'>): string | undefined {
  return ending ?? (readOwn(spool.before.ending)?.trim() || undefined);
}

/** What the output of a run takes of the disk (bytes). */
export function spoolBytes({ stdout, stderr }: Spool): number {
  return sizeOfOwn(stdout) + sizeOfOwn(stderr);
}

/** Writes a small file of a worker into a spool. Throws what the disk says. */
export function writeOwn({ directory }: Spool, name: string, content: string): void {
  replaceFile(join(directory, name), content);
}

const metaOf = ({ directory }: Spool) => join(directory, 'meta.json');
const storedText = (meta: SpoolMeta) =>
  JSON.stringify({ form: SPOOL_FORM, ...meta }).replace(/}$/, `${' '.repeat(ROOM)}}`);

/**
 * Adds to what the next worker has to know, into the blanks that were left for it: one short write, so nobody reads a half of
 * it. Does nothing where the program has put something else in its place. Throws what the disk says.
 */
export function addToMeta(spool: Spool, added: Pick<SpoolMeta, 'wrapper' | 'ending'>): void {
  const file = openOwn(metaOf(spool), constants.O_RDWR);
  if (file === undefined) return; // somebody removed the spool: there is no next worker for it
  try {
    const [, known, room = ''] = /^(.*\S)( *)}$/s.exec(textOf(file)) ?? [];
    const text = `,${JSON.stringify(added).slice(1, -1)}`;
    if (known !== undefined && Buffer.byteLength(text) <= room.length) writeSync(file, text, Buffer.byteLength(known));
  } finally {
    closeSync(file);
  }
}

/** Undefined when the worker died before it was written, or when the disk gives something else back. */
export function readMeta(spool: Spool): SpoolMeta | undefined {
  const stored = storedMeta(spool.directory);
  return stored && 'value' in stored ? stored.value : undefined;
}

/** The spool of a run with the files of the try that is on, and what its worker has written down. */
export function presentSpool(root: string, runId: string): { spool: Spool; meta: SpoolMeta | undefined } {
  const meta = readMeta(spoolOf(root, runId));
  return { spool: spoolOf(root, runId, meta?.attempt?.number), meta };
}

/** The run ids that have a spool. */
export function spooledRuns(root: string): string[] {
  try {
    return readdirSync(root).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

/** What a program of this release says in `once`; those of the release before said it elsewhere. */
const PROGRAM_LINE = /^program (\d+)\n/m;

/** The pid of the wrapper that went to work. All that is said in a spool is in the reach of its program, so it is a hint. */
export const wrapperPid = ({ once }: Spool): number | undefined => numberIn(once, /^(\d+)\n/);

/** The pid of the program, said by itself just before it became the program. */
export const programPid = ({ once, before }: Spool): number | undefined =>
  numberIn(once, PROGRAM_LINE) ?? numberIn(before.pid, PADDED_LINE);

/** The exit status, said by the wrapper; without its newline it is not there yet. */
export function exitStatus({ once, before }: Spool): number | undefined {
  const said = readOwn(once) ?? '';
  const status = /.*^exit (\d+)\n/ms.exec(said)?.[1];
  if (status !== undefined) return Number(status);
  return PROGRAM_LINE.test(said) ? undefined : numberIn(before.exit, PADDED_LINE);
}

/** When the exit status was said (Unix ms); undefined as long as it was not. */
export function exitedAt(spool: Spool): number | undefined {
  return exitStatus(spool) === undefined ? undefined : lastSaidAt(spool);
}

/** When the wrapper said something last (Unix ms); undefined where it said nothing. */
export function lastSaidAt(spool: Spool): number | undefined {
  const times = [spool.once, spool.before.exit].map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.max(...times) || undefined;
}

/** A line, and blanks behind it. */
const PADDED_LINE = /^(\d+)\n *$/;

function numberIn(file: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(readOwn(file) ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Takes back the start of an attempt that came to nothing, so that it can be made again. */
export function removeStart(spool: Spool): void {
  const { pid, exit, ending } = spool.before;
  for (const file of [spool.once, pid, exit, ending]) rmSync(file, { force: true });
}

/** Removes what may hold secrets: prompt and files of the runner. */
export function removeInputs(spool: Spool): void {
  removeOwn(spool.directory, [basename(spool.stdin), basename(spool.files)]);
}

/** Gives back what the output takes of the disk, once Redis has it; the rest tells a later worker how the run has ended. */
export function emptyOutput({ stdout, stderr }: Spool): void {
  for (const file of [stdout, stderr])
    try {
      const handle = openOwn(file, constants.O_WRONLY);
      if (handle === undefined) continue;
      ftruncateSync(handle); // not as it is opened: that does it before it is known whose file it is
      closeSync(handle);
    } catch {} // it goes with the spool
}

/** Removes a spool without keeping the worker waiting for the disk. */
export const removeSpoolAside = (spool: Spool): Promise<void> => removeOwnDirectoryAside(spool.directory);

export function removeSpool(spool: Spool): void {
  removeOwnDirectory(spool.directory);
}
