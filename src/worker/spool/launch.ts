import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { RUN_MARK } from '../../shared/config/load.js';
import { identify, type ProcessId } from '../process/processes.js';
import { readNumberLine, type Spool } from './spool.js';

/** The exit status of a wrapper that found another one at work, or could not write; without an exit file the former. */
export const REFUSED = 125;

/**
 * Waits for the program and writes down its exit status, so that it is known whoever supervises by then. `set -C`
 * creates a file only where there is none, so the second of two wrappers of one spool does nothing at all; the first
 * one leaves its pid there. The inner shell becomes the program and writes its pid first. What the wrapper itself has
 * to say ("Terminated") goes nowhere: stderr is the program's. A caught signal (`trap :`) is reset in the program; an
 * ignored one would not be. The status is written as one line in one go, over a file that has its room on the disk
 * already (`1<>`), so a full disk does not swallow it; readers wait for its newline, which is what a temporary name and
 * a rename would give.
 */
const WRAPPER = `trap : TERM INT HUP QUIT
exit_file=$1
once=$2
shift 2
exec 3>&2 2>/dev/null
(set -C; : >"$once") || exit ${REFUSED}
echo $$ >>"$once"
(exec sh -c 'echo $$ >"$1" || exit 125; shift; exec "$@"' agentpool "$@" 2>&3 3>&-)
code=$?
echo "$code" 1<>"$exit_file"
exit "$code"`;

export interface Launch {
  readonly spool: Spool;
  readonly runId: string;
  /** Absolute. */
  readonly program: string;
  readonly args: readonly string[];
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Launched {
  readonly wrapper: ProcessId | undefined;
  /** Resolves when the wrapper has ended; with its exit code where that is known. */
  readonly wrapperGone: Promise<number | undefined>;
}

/** Starts a program that outlives us: own session, files for all three streams. Throws what the kernel says. */
export async function launch({ spool, runId, program, args, path, env }: Launch): Promise<Launched> {
  // Else execa would say so, and repeat the argument, which may be the prompt.
  if (args.some((arg) => arg.includes('\0')))
    throw Object.assign(new Error('an argument of it holds a NUL byte'), { code: 'EINVAL' });
  const files = [openSync(spool.stdin, 'r'), openSync(spool.stdout, 'a'), openSync(spool.stderr, 'a')];
  try {
    // execa hands any descriptor to the program as it is; its types know the numbers up to 9 only.
    const [stdin = 3, stdout = 3, stderr = 3] = files as 3[];
    const child = execa('/bin/sh', ['-c', WRAPPER, 'agentpool', spool.exit, spool.once, spool.pid, program, ...args], {
      cwd: path,
      env: { ...env, [RUN_MARK]: runId },
      extendEnv: false,
      stdio: [stdin, stdout, stderr],
      detached: true,
      cleanup: false,
      buffer: false,
      reject: false,
    });
    const { pid } = child;
    if (pid === undefined) {
      const failed = await child;
      throw failed instanceof Error ? (failed.cause ?? failed) : new Error('the program could not be started');
    }
    return { wrapper: identify(pid), wrapperGone: child.then(({ exitCode }) => exitCode) };
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** The pid of the program, once it has written it; undefined when the wrapper ended without it. */
export async function programPid(spool: Spool, wrapper: ProcessId | undefined): Promise<number | undefined> {
  for (;;) {
    const pid = readNumberLine(spool.pid);
    if (pid !== undefined || !wrapper || identify(wrapper.pid)?.start !== wrapper.start)
      return pid ?? readNumberLine(spool.pid);
    await pause(3);
  }
}
