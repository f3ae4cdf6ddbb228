import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from '../../shared/find-program.js';
import type { Runner } from '../../shared/runners/runner.js';
import type { Credentials } from '../process/act-as.js';

type Env = Readonly<Record<string, string | undefined>>;

/** A slow CLI takes seconds to say its version. */
const VERSION_WITHIN_MS = 30_000;

/** How a program is started that is only asked something: as a run of it would be. */
export interface Asking {
  readonly env: Env;
  /** As whom; undefined: as our own user. */
  readonly user?: Credentials | undefined;
}

/**
 * The version that a program says it has: the first number with dots that it prints, however it ends. Undefined when it
 * prints none, or cannot be started.
 */
export async function programVersion(
  program: string,
  args: readonly string[],
  { env, user }: Asking,
): Promise<string | undefined> {
  const asking = promisify(execFile)(program, args, {
    env: env as Record<string, string>,
    ...(user && { uid: user.uid, gid: user.gid }),
    timeout: VERSION_WITHIN_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024,
  });
  asking.child.stdin?.end();
  const { stdout, stderr } = await asking.catch((error: { stdout?: string; stderr?: string }) => error);
  return /\d+\.\d+[\w.+-]*/.exec(`${stdout ?? ''}\n${stderr ?? ''}`)?.[0];
}

/** The runners that this worker can offer: those whose program is here, among the wanted ones. */
export function installedRunners(
  runners: Iterable<Runner>,
  wanted: readonly string[] | undefined,
  env: Env,
): Map<string, { runner: Runner; program: string }> {
  const found = new Map<string, { runner: Runner; program: string }>();
  for (const runner of runners) {
    const program = wanted && !wanted.includes(runner.name) ? undefined : findProgram(runner.command, env);
    if (program) found.set(runner.name, { runner, program });
  }
  return found;
}
export type Installed = ReturnType<typeof installedRunners>;
