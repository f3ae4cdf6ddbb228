import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { RUN_MARK } from '../../shared/config/load.js';
import { codeOf } from '../../shared/errors.js';
import type { Credentials } from '../process/act-as.js';
import { type PidsGiven, pidsGiven } from '../process/born-since.js';
import { limitMark } from '../process/limit-mark.js';
import { identify, type ProcessId } from '../process/processes.js';
import { stepBack } from '../process/step-back.js';
import { openStreams, type Spool } from './spool.js';

/** The exit status of a wrapper that found another one at work, or could not write; where no exit status was written the former. */
export const REFUSED = 125;

/**
 * Waits for the program and writes down its exit status, so that it is known whoever supervises by then. `set -C`
 * creates a file only where it does not exist yet, so the second of two wrappers of one spool does nothing at all; the first
 * one leaves its pid there, and each word after it is one line in one go. They stay in the first block of the file, so a
 * disk that is full by then does not swallow them, and the file was opened before the program could put another in its place.
 * A subshell, whose pid no variable of POSIX tells (`$$` is that of the wrapper), becomes the program and says so first.
 * What the wrapper itself has to say ("Terminated") goes nowhere: stderr is the program's. A caught signal (`trap :`) is
 * reset in the program; an ignored one would not be. Descriptor 3 is a pipe to the worker, if it lives: what the file says
 * may be removed by the program, what the worker was told may not; a worker that is gone does not read the pipe any more, which
 * does no harm. The limit is a mark, see `limitMark`; a shell that cannot set it goes on without.
 */
const WRAPPER = `trap : TERM INT HUP QUIT
[ -z "$2" ] || command ulimit -S -m "$2" 2>/dev/null
exec 5>&3 3>&2 2>/dev/null
umask 077
set -C
echo $$ >"$1" || exit ${REFUSED}
set +C
umask "$3"
exec 4>>"$1"
shift 3
(
  read -r agentpool_pid agentpool_rest </proc/self/stat || agentpool_pid=$(exec sh -c 'echo $PPID')
  echo "program $agentpool_pid" >&4 || exit ${REFUSED}
  trap "" PIPE
  echo "$agentpool_pid" >&5
  trap - PIPE
  exec "$@" 2>&3 3>&- 4>&- 5>&-
)
code=$?
echo "exit $code" >&4
exit "$code"`;

export interface Launch {
  readonly spool: Spool;
  readonly runId: string;
  /** Absolute. */
  readonly program: string;
  readonly args: readonly string[];
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  /** As whom; absent: as the user of the worker. Without any of our groups. */
  readonly user?: Credentials | undefined;
}

export interface Launched {
  readonly wrapper: ProcessId | undefined;
  /** Which pids had been given before that of the wrapper. */
  readonly pidsBefore: PidsGiven | undefined;
  /** Resolves when the wrapper has ended; with its exit code where that is known. */
  readonly wrapperGone: Promise<number | undefined>;
  /**
   * Resolves with the pid of the program as soon as it is about to be started, or with undefined once it is certain that
   * it never was.
   */
  readonly program: Promise<number | undefined>;
}

/**
 * Starts a program that outlives us: own session, files for all three streams. Throws what the kernel says, without the
 * arguments: one of them may be the prompt. What it throws means that nothing was started.
 */
export async function launch({ spool, runId, program, args, path, env, user }: Launch): Promise<Launched> {
  if (args.some((arg) => arg.includes('\0'))) throw refusal('EINVAL', 'an argument of it holds a NUL byte');
  const files: number[] = [];
  try {
    files.push(...openStreams(spool));
    const mark = process.platform === 'linux' ? String(limitMark(runId)) : '';
    const pidsBefore = pidsGiven();
    const known = [spool.once, mark, process.umask().toString(8)];
    const child = spawnWrapper(['-c', WRAPPER, 'agentpool', ...known, program, ...args], {
      cwd: path,
      env: { ...env, [RUN_MARK]: runId },
      stdio: [...files, 'pipe'],
      detached: true,
      ...(user && { uid: user.uid, gid: user.gid }),
    });
    // Before anything else: without a listener, what goes wrong later would end this worker.
    const failed = new Promise<unknown>((resolve) => child.on('error', resolve));
    const gone = new Promise<number | undefined>((resolve) => child.on('exit', (code) => resolve(code ?? undefined)));
    const { pid } = child;
    if (pid === undefined) throw bare(await failed);
    stepBack(pid);
    return { wrapper: wrapperOf(pid), pidsBefore, wrapperGone: gone, program: toldPid(child.stdio[3]) };
  } finally {
    closeAll(files);
  }
}

/** Reads the pid from the pipe to the shells; undefined when all of them are gone and none was about to start it. */
function toldPid(pipe: ChildProcess['stdio'][3]): Promise<number | undefined> {
  return new Promise((resolve) => {
    let told = '';
    const end = () => resolve(told === '' ? undefined : Number.parseInt(told, 10));
    if (!pipe || !('read' in pipe)) return end();
    pipe.on('data', (bytes: Buffer) => {
      told += bytes;
      if (told.endsWith('\n')) pipe.destroy();
    });
    pipe.on('error', () => {});
    pipe.on('close', end);
  });
}

/** By then the program may run, so nothing may be said to have gone wrong. */
function closeAll(files: readonly number[]): void {
  for (const file of files)
    try {
      closeSync(file);
    } catch {}
}

function spawnWrapper(args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn('/bin/sh', args, options);
  } catch (error) {
    throw bare(error);
  }
}

const refusal = (code: string, message: string) => Object.assign(new Error(message), { code });

/** An error of Node without the arguments that it repeats, in its members and in some messages. */
function bare(error: unknown): Error {
  const code = codeOf(error) ?? 'UNKNOWN';
  return code.startsWith('ERR_')
    ? refusal('EINVAL', `it cannot be given to a program (${code})`)
    : refusal(code, `spawn ${code}`);
}

/** Undefined when it has ended already, or when there is no descriptor left to look at it: then its spool tells more. */
function wrapperOf(pid: number): ProcessId | undefined {
  try {
    return identify(pid);
  } catch {
    return undefined;
  }
}
