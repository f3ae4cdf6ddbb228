import { readFileSync } from 'node:fs';
import type { Caller } from '../client/caller.js';
import { findRunByName } from '../client/find-run.js';
import { type FollowRequest, type FollowTranscriptRequest, followOutput, followTranscript } from '../client/follow.js';
import { type Killed, type KillOptions, kill } from '../client/kill.js';
import { findRuns, type RunList, type RunQuery } from '../client/list-runs.js';
import { type PoolStatus, statusOfPool } from '../client/pool-status.js';
import type { RunOutput } from '../client/read-output.js';
import type { RunTranscript } from '../client/read-transcript.js';
import { type RunView, viewOf } from '../client/run-view.js';
import { type RunStatus, statusOf } from '../client/status.js';
import type { Submission } from '../client/submission.js';
import { type Submitted, submit, warningOf } from '../client/submit.js';
import { type WaitedView, waitFor } from '../client/wait.js';
import type { WaitingFor } from '../client/waiting-for.js';
import { loadConfig } from '../shared/config/load.js';
import { openLogger } from '../shared/logger.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { openPool, type Pool } from '../shared/pool.js';
import { LOCAL, type Principal } from '../shared/principal.js';
import { ensureEmbeddedRedis } from '../shared/redis/embedded.js';
import { redisTarget } from '../shared/redis/target.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import { KILL_GRACE_MS } from '../shared/run.js';
import { checkedSubmission } from './checked-submission.js';

export { ConfigError, RedisRefusedError, UnreachableError, UserError } from '../shared/errors.js';
export type { CustomRunner, CustomRunners } from './custom-runners.js';
export type {
  FollowRequest,
  FollowTranscriptRequest,
  Killed,
  KillOptions,
  PoolStatus,
  Principal,
  RunList,
  RunOutput,
  RunQuery,
  RunStatus,
  RunTranscript,
  RunView,
  Submission,
  WaitedView,
  WaitingFor,
};

/** On whose behalf the program acts, and how. */
export interface ConnectOptions {
  /** By default `local`, which may do everything. Runs are shown as those of this name. */
  readonly principal?: Principal;
}

/** What became of a submission: the run as it is now, and why it waits, if it does. */
export interface SubmittedRun extends RunView {
  /** From 1; absent once a worker has it. */
  readonly queuePosition?: number;
  readonly waitingFor?: WaitingFor;
  /** What the caller should know, such as that no worker can take it. */
  readonly warning?: string;
}

/** What may end a question early. */
export interface Abortable {
  /** Ends the asking, never a run. */
  readonly signal?: AbortSignal;
}

/** What waiting for a run takes. */
export interface WaitOptions extends Abortable {
  /** By default a day (ms). */
  readonly timeoutMs?: number;
}

/** A run that was waited for; with `timedOut` it goes on. */
export interface WaitedRun extends WaitedView {
  readonly timedOut: boolean;
}

/**
 * A pool, as a program asks it. A run is named by its id, a unique beginning of it, or an agent name, which is its latest
 * run. Every question throws a UserError for what the caller can fix, and an UnreachableError where Redis does not answer.
 */
export interface Connection {
  /** Submits a run and waits a moment for its start, never for its end. */
  submit(submission: Submission, options?: Abortable): Promise<SubmittedRun>;
  /** The output as the program prints it, from the beginning unless said otherwise, until the run has ended. */
  follow(run: string, options?: Partial<FollowRequest> & Abortable): AsyncGenerator<RunOutput, void>;
  /** What the agent said and did, as events, until the run has ended. */
  transcript(run: string, options?: Partial<FollowTranscriptRequest> & Abortable): AsyncGenerator<RunTranscript, void>;
  /** Waits for the end of a run. */
  wait(run: string, options?: WaitOptions): Promise<WaitedRun>;
  /** Ends a run and every process that it has started, and waits for that. By default TERM, and KILL after 5 s. */
  kill(run: string, options?: Partial<KillOptions>): Promise<Killed>;
  status(run: string): Promise<RunStatus>;
  /** Runs, the newest first; by default 20. */
  list(query?: Partial<RunQuery>): Promise<RunList>;
  /** Workers, queues and Redis. */
  poolStatus(): Promise<PoolStatus>;
  /** Hangs up; runs go on. Nothing of ours keeps the process alive afterwards. Legal twice. */
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;

/**
 * Connects to the pool that the settings name. They have the names of the environment, and with that of the process it is
 * the same pool as that of the command line, without the files of the working directory. Without REDIS_URL it is the private Redis of
 * AGENTPOOL_HOME, which is started where it does not run. Throws a ConfigError or an UnreachableError.
 */
export async function connect(
  settings: Readonly<Record<string, string | undefined>> = {},
  { principal = LOCAL }: ConnectOptions = {},
): Promise<Connection> {
  const env = { AGENTPOOL_LOG_LEVEL: 'silent', ...omitUndefined(settings), AGENTPOOL_DIRECTORY_CONFIG: 'never' };
  const config = loadConfig({ env, cwd: process.cwd(), readFile });
  const target = redisTarget(config, readFile) ?? {
    kind: 'socket' as const,
    path: await ensureEmbeddedRedis(config.home, env),
  };
  const pool = await openPool(config, target, 'asking', openLogger('library', config.logLevel));
  try {
    await told(() => pool.ready());
  } catch (error) {
    await pool.stop();
    throw error;
  }
  return connectionTo(pool, principal);
}

function connectionTo(pool: Pool, principal: Principal): Connection {
  const callerOf = ({ signal }: Abortable): Caller => ({ pool, principal, ...omitUndefined({ signal }) });
  const idOf = async (name: string) => ({ runId: (await findRunByName({ pool, principal }, name)).id });
  return {
    submit: (submission, options = {}) =>
      told(async () => viewOfSubmitted(await submit(callerOf(options), checkedSubmission(submission)))),
    async *follow(run, { signal, ...asked } = {}) {
      const caller = callerOf(omitUndefined({ signal }));
      yield* followOutput(caller, await told(() => idOf(run)), { live: true, ...asked });
    },
    async *transcript(run, { signal, ...asked } = {}) {
      const caller = callerOf(omitUndefined({ signal }));
      yield* followTranscript(caller, await told(() => idOf(run)), { live: true, ...asked });
    },
    wait: (run, { timeoutMs = DAY_MS, ...options } = {}) =>
      told(async () => {
        const { deciding, timedOut } = await waitFor(callerOf(options), await idOf(run), 'all', timeoutMs);
        return { ...deciding, timedOut };
      }),
    kill: (run, { signal = 'TERM', graceMs = KILL_GRACE_MS, reason } = {}) =>
      told(async () => kill(callerOf({}), await idOf(run), { signal, graceMs, reason })),
    status: (run) => told(async () => statusOf(callerOf({}), await idOf(run))),
    list: (query = {}) => told(() => findRuns(callerOf({}), { limit: 20, ...query })),
    poolStatus: () => told(() => statusOfPool(callerOf({}))),
    close: pool.stop,
  };
}

/** Turns errors of the connection to Redis into our own. */
async function told<Value>(action: () => Promise<Value>): Promise<Value> {
  try {
    return await action();
  } catch (error) {
    throw asUnreachable(error) ?? error;
  }
}

function viewOfSubmitted(submitted: Submitted): SubmittedRun {
  const { run, queuePosition, waitingFor } = submitted;
  return { ...viewOf(run), ...omitUndefined({ queuePosition, waitingFor, warning: warningOf(submitted, run.state) }) };
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
