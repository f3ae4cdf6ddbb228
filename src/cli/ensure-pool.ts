import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { privateDirectory } from '../shared/config/home.js';
import { ConfigError, UnreachableError } from '../shared/errors.js';
import { type Context, unmarked } from './context.js';
import { ownCommand, type PoolProcess, readPoolProcess } from './pool-process.js';
import { startProgress } from './progress.js';

/** What a person at a terminal is told meanwhile. */
export const STARTING = 'starting Redis, a worker and the HTTP server …';

/** A cold start of Node, Redis and three processes on a slow machine (ms). */
const UP_WITHIN_MS = 60_000;

/** Where an `up` in the background logs. */
export const logOfPool = (home: string): string => join(home, 'up.log');

/** The pool of this AGENTPOOL_HOME, started in the background when it is not running; `started` says whether it was us. `given`: settings for it. */
export async function ensurePoolUp(
  { config, env }: Context,
  extraArgs: readonly string[] = [],
  given: Readonly<Record<string, string>> = {},
): Promise<PoolProcess & { started: boolean }> {
  const { home } = config;
  const there = readPoolProcess(home);
  if (there) return { ...there, started: false };
  privateDirectory(home);
  const progress = startProgress();
  const release = await lock(home, {
    lockfilePath: join(home, 'up.lock'),
    stale: 15_000,
    retries: { retries: 900, minTimeout: 50, maxTimeout: 100 },
    onCompromised: () => {},
  });
  try {
    const meanwhile = readPoolProcess(home);
    if (meanwhile) return { ...meanwhile, started: false };
    progress.show(STARTING);
    return { ...(await startDetached(home, { ...unmarked(env), ...given }, extraArgs)), started: true };
  } finally {
    progress.stop();
    await release().catch(() => {});
  }
}

async function startDetached(
  home: string,
  env: Record<string, string>,
  extraArgs: readonly string[],
): Promise<PoolProcess> {
  const logFile = logOfPool(home);
  const log = openSync(logFile, 'a', 0o600);
  const { command, args } = ownCommand();
  const child = spawn(command, [...args, 'up', ...extraArgs], { detached: true, stdio: ['ignore', log, log], env });
  let exitCode: number | null | undefined;
  child.once('exit', (code) => {
    exitCode = code;
  });
  child.unref();
  const deadline = performance.now() + UP_WITHIN_MS;
  for (;;) {
    const ready = readPoolProcess(home);
    if (ready) return ready;
    if (exitCode !== undefined)
      throw new ConfigError([`the pool did not start; the end of ${logFile}:`, ...lastLines(logFile, 6)]);
    if (performance.now() > deadline) throw new UnreachableError('the pool is not ready after 60 s', `See ${logFile}.`);
    await pause(20);
  }
}

function lastLines(path: string, count: number): string[] {
  return readFileSync(path, 'utf8').trim().split('\n').slice(-count);
}
