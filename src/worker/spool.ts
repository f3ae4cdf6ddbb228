import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFile } from '../shared/runners/runner.js';
import type { ProcessId } from './processes.js';

/** What the next worker of this host has to know to go on with a run. Never the prompt, never a secret. */
export interface SpoolMeta {
  readonly runId: string;
  readonly runner: string;
  readonly agentName: string;
  readonly principal?: string;
  readonly queue: string;
  /** Of the lock of the BullMQ job. */
  readonly leaseToken: string;
  readonly bootId: string;
  readonly path: string;
  /** HOME of the program: its sessions live there. */
  readonly home: string;
  readonly sessionId?: string;
  readonly timeoutMs: number;
  readonly silenceTimeoutMs: number;
  /** Milliseconds since boot. */
  readonly startedUptimeMs: number;
  /** Absent: the program was about to be started. */
  readonly wrapper?: ProcessId;
}

/** The directory of a run on the worker's disk. */
export interface Spool {
  readonly directory: string;
  readonly stdin: string;
  /** The directory of the runner's own files. */
  readonly files: string;
  readonly stdout: string;
  readonly stderr: string;
  /** One line: the pid of the program, written by itself just before it becomes the program. */
  readonly pid: string;
  /** One line: the exit status, written by the wrapper. Without its newline it is not there yet. */
  readonly exit: string;
}

/** Room for the exit status and its newline (bytes), taken before the disk can be full. */
const EXIT_ROOM = 8;

/**
 * All spools of one host in one pool. The pool is part of the path, since one AGENTPOOL_HOME may serve several, and
 * the host, since several may share a volume: nobody touches a run that is not of his pool and host.
 */
export function spoolRoot(home: string, poolId: string, host: string): string {
  return join(home, 'spool', poolId, host);
}

export function spoolOf(root: string, runId: string): Spool {
  const directory = join(root, runId);
  const file = (name: string) => join(directory, name);
  return {
    directory,
    stdin: file('stdin'),
    files: file('files'),
    stdout: file('stdout'),
    stderr: file('stderr'),
    pid: file('pid'),
    exit: file('exit'),
  };
}

/** Makes the spool of a run that is about to start. Throws what the disk says. */
export function createSpool(root: string, meta: SpoolMeta, stdin: string, files: readonly ConfigFile[] = []): Spool {
  const spool = spoolOf(root, meta.runId);
  mkdirSync(spool.directory, { recursive: true, mode: 0o700 });
  writeMeta(spool, meta);
  writeFileSync(spool.stdin, stdin, { mode: 0o600 });
  if (files.length > 0) mkdirSync(spool.files, { mode: 0o700 });
  for (const { name, content } of files) writeFileSync(join(spool.files, name), content, { mode: 0o600 });
  for (const file of [spool.stdout, spool.stderr]) closeSync(openSync(file, 'a', 0o600));
  writeFileSync(spool.exit, ' '.repeat(EXIT_ROOM), { mode: 0o600 });
  return spool;
}

export function writeMeta(spool: Spool, meta: SpoolMeta): void {
  const file = join(spool.directory, 'meta.json');
  writeFileSync(`${file}.tmp`, JSON.stringify(meta), { mode: 0o600, flush: true });
  renameSync(`${file}.tmp`, file);
}

/** Undefined when the worker died before it was written, or when the disk gives something else back. */
export function readMeta(spool: Spool): SpoolMeta | undefined {
  try {
    return JSON.parse(read(join(spool.directory, 'meta.json')) ?? '') as SpoolMeta;
  } catch {
    return undefined;
  }
}

/** The run ids that have a spool. */
export function spooledRuns(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}

/** A number that a process of the run has written as one whole line. */
export function readNumberLine(file: string): number | undefined {
  const [, digits] = /^(\d+)\n *$/.exec(read(file) ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Removes what may hold secrets: prompt and files of the runner. */
export function removeInputs(spool: Spool): void {
  for (const path of [spool.stdin, spool.files]) rmSync(path, { recursive: true, force: true });
}

export function removeSpool(spool: Spool): void {
  rmSync(spool.directory, { recursive: true, force: true });
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
