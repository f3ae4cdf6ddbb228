import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { RUN_MARK } from '../../shared/config/load.js';
import { codeOf, messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { RunInList, SessionLookup } from '../../shared/runners/runner.js';
import { holdDirectory } from '../prepare/held-directory.js';
import type { LaunchPlan } from '../prepare/plan-run.js';
import type { Credentials } from '../process/act-as.js';
import type { Supervision } from './supervise.js';

export interface LookupDeps {
  readonly lookup: SessionLookup;
  readonly runId: string;
  /** The program of the run, absolute, with its own environment and directory: sessions depend on both. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly path: string;
  readonly user?: Credentials | undefined;
  readonly pid: number;
  /** Whether the session has become known in another way. */
  readonly isKnown: () => boolean;
  readonly onFound: (sessionId: string) => void;
  readonly logger: Logger;
}

/** A slow CLI takes many seconds to list its sessions on a busy machine. */
const ANSWER_WITHIN_MS = 60_000;
const LONGEST_LIST = 4 * 1024 * 1024;

/**
 * Asks a CLI for the session of a run that it does not tell by itself, at the few moments that its runner names. What
 * is started for that carries the mark of the run, so it never outlives it.
 */
export function startSessionLookup(deps: LookupDeps): { stop(): void } {
  const { lookup, isKnown, logger } = deps;
  const over = new AbortController();
  const begun = performance.now();
  const look = async () => {
    for (const afterMs of lookup.afterMs) {
      await pause(Math.max(0, afterMs - (performance.now() - begun)), undefined, { signal: over.signal });
      if (isKnown()) return;
      const found = await ask(deps, over.signal).catch((error: unknown) => {
        logger.debug({ why: codeOf(error) ?? messageOf(error) }, 'the CLI did not list its sessions');
        return undefined;
      });
      if (over.signal.aborted || isKnown()) return;
      if (found !== undefined) return deps.onFound(found);
    }
    logger.debug('the session was not found');
  };
  look().catch((error: unknown) => {
    if (!over.signal.aborted) logger.warn({ err: error }, 'the session could not be looked for');
  });
  return { stop: () => over.abort() };
}

/** Throws what the system says when the CLI cannot be started, does not answer in time or does not end well. */
async function ask({ lookup, runId, program, env, path, pid, user }: LookupDeps, signal: AbortSignal) {
  const directory = holdDirectory(path);
  const start = () =>
    promisify(execFile)(program, lookup.args, {
      cwd: directory.cwd,
      ...(user && { uid: user.uid, gid: user.gid }),
      env: { ...env, [RUN_MARK]: runId },
      timeout: ANSWER_WITHIN_MS,
      killSignal: 'SIGKILL',
      maxBuffer: LONGEST_LIST,
      signal,
    });
  let asking: ReturnType<typeof start>;
  try {
    asking = start();
  } finally {
    directory.close();
  }
  asking.child.stdin?.end();
  const { stdout } = await asking;
  return lookup.read(stdout, { runId, pid, path });
}

/** Asks for the session of a run whose program does not tell it. */
export function lookForSession(
  { runner, program, env, user }: LaunchPlan,
  run: RunInList,
  supervision: Supervision,
  logger: Logger,
): void {
  if (!runner.sessionLookup || supervision.hasSession()) return;
  const { stop } = startSessionLookup({
    ...run,
    lookup: runner.sessionLookup,
    program,
    env,
    user,
    isKnown: () => supervision.hasSession(),
    onFound: (id) => supervision.sessionKnown(id),
    logger,
  });
  void supervision.over.then(stop);
}
