import { spawn } from 'node:child_process';
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { privateDirectory } from '../shared/config/home.js';
import { ConfigError, UnreachableError } from '../shared/errors.js';
import { identify, isAlive, type ProcessId, signalProcess } from '../worker/process/processes.js';
import { type Context, unmarked } from './context.js';
import { startProgress } from './progress.js';

/** What `up` writes down about itself for `down`, `mcp` and `demo`. */
export interface PoolProcess extends ProcessId {
  readonly url: string;
}

/** What a person at a terminal is told meanwhile. */
export const STARTING = 'starting Redis, a worker and the HTTP server …';

/** A cold start of Node, Redis and three processes on a slow machine (ms). */
const UP_WITHIN_MS = 60_000;

const file = (home: string) => join(home, 'up.json');

/** Where an `up` in the background logs. */
export const logOfPool = (home: string): string => join(home, 'up.log');

/** The command that starts agentpool as it runs now. */
export function ownCommand(): { command: string; args: string[] } {
  return { command: process.execPath, args: [...process.execArgv, process.argv[1] ?? ''] };
}

/** The `up` of an AGENTPOOL_HOME that is ready; undefined when none is. */
export function readPoolProcess(home: string): PoolProcess | undefined {
  try {
    const found = JSON.parse(readFileSync(file(home), 'utf8')) as PoolProcess;
    return isAlive(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

export function writePoolProcess(home: string, url: string): void {
  writeFileSync(file(home), JSON.stringify({ ...identify(process.pid), url }), { mode: 0o600 });
}

export function forgetPoolProcess(home: string): void {
  rmSync(file(home), { force: true });
}

/** Ends the `up` of an AGENTPOOL_HOME; answers whether there was one. */
export async function endPoolProcess(home: string): Promise<boolean> {
  const found = readPoolProcess(home);
  if (!found) return false;
  signalProcess(found, 'SIGTERM');
  while (isAlive(found)) await pause(20);
  return true;
}

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
