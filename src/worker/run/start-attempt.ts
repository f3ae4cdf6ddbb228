import { attemptsOf } from '../../shared/agents/fallbacks.js';
import type { Config } from '../../shared/config/load.js';
import { codeOf, messageOf, UnreachableError } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { Failure, Run, RunRequest } from '../../shared/run.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Stored } from '../../shared/stored-form.js';
import { hostFaultOf } from '../host/host-fault.js';
import { checkEnterable, DirectoryClosed, DirectoryMoved, holdDirectory } from '../prepare/held-directory.js';
import { failure, type LaunchPlan } from '../prepare/plan-run.js';
import type { PidsGiven } from '../process/born-since.js';
import { bootId, uptimeMs } from '../process/processes.js';
import { type Launched, launch } from '../spool/launch.js';
import { createSpool, type Spool } from '../spool/spool.js';
import { type Attempt, factsOf, type SpoolMeta } from '../spool/spool-meta.js';
import { tellAttempt } from './attempts.js';
import { HostFault, NewerRequest } from './give-back.js';
import type { OwnedRun } from './owned-run.js';

/** What starting a program needs. */
export interface StartDeps {
  readonly runs: Pick<RunStore, 'request' | 'get' | 'interruptions' | 'triesAgain' | 'launching'>;
  /** Works out what to start; see `planFor`. */
  readonly plan: (runId: string, request: RunRequest, attempt?: number) => Promise<LaunchPlan | { failure: Failure }>;
  readonly spools: string;
  readonly config: Pick<Config, 'runTimeoutMs' | 'silenceTimeoutMs'>;
  readonly logger: Logger;
}

/** The start of a program, or of a further attempt. */
export interface ToStart {
  readonly kind: 'start';
  readonly attempt?: Attempt | undefined;
  /** What was asked for, where it was read already. */
  readonly request?: Stored<RunRequest> | undefined;
  /** How often this attempt could not be started so far. */
  readonly restarts?: number;
}

/** A program that may run: whatever goes wrong from here on, it is watched over. */
export interface Begun {
  readonly kind: 'begun';
  readonly spool: Spool;
  readonly meta: SpoolMeta;
  readonly from: Pick<Run, 'outBytes' | 'errBytes' | 'sessionId' | 'kill'>;
  /** Only where we started it ourselves. */
  readonly wrapperGone?: Promise<number | undefined>;
  readonly pidsBefore?: PidsGiven | undefined;
  readonly program?: Promise<number | undefined>;
  readonly plan?: LaunchPlan;
  /** How often this attempt could not be started before. */
  readonly restarts?: number;
}

export type Start =
  | Begun
  /** What was asked for cannot be done: the run's own fault. */
  | { readonly kind: 'impossible'; readonly failure: Failure }
  /** A kill was requested. */
  | { readonly kind: 'killed' }
  | { readonly kind: 'not-ours' }
  /** It is queued: another master has forgotten that we claimed it. */
  | { readonly kind: 'forgotten' };

/**
 * Starts the program of a run that we own. Whatever it throws, nothing was started: a HostFault is this host's, anything
 * else may pass.
 */
export async function startAttempt(
  deps: StartDeps,
  owned: OwnedRun,
  { attempt, request: read }: ToStart,
): Promise<Start> {
  const { runs, logger } = deps;
  owned.enter('preparing');
  const stored = read ?? (await runs.request(owned.id));
  if (!stored) return impossible('its request is gone');
  if ('newer' in stored) throw new NewerRequest(stored.newer);
  if ('broken' in stored) return impossible(`its stored request cannot be read: ${stored.broken}`);
  const request = stored.value;
  const plan = await planned(deps, owned.id, request, attempt);
  if ('failure' in plan) return { kind: 'impossible', failure: plan.failure };
  const meta = metaFor(deps.config, owned, request, plan, attempt);
  // Before it is in the spool, whose program may write into it: a spool with a later attempt than the record is forged.
  if (attempt) await tellAttempt(runs, owned, attempt, await runs.get(owned.id), logger);
  const spool = makeSpool(deps.spools, meta, plan);
  if ('failure' in spool) return { kind: 'impossible', failure: spool.failure };
  // Before the prompt is given away: Redis must not be able to forget that it is ours, and we may have been paused.
  const before = runs.interruptions();
  owned.wasAsked = false; // what is asked for from here on is in no record that was read yet
  const sentAt = performance.now();
  const { changed, state, isKillRequested, shipped } = await runs.launching(owned, attempt?.number ?? 1, factsOf(meta));
  if (runs.interruptions() !== before)
    throw new UnreachableError('the connection to Redis was lost just before the start', 'It is started again.');
  if (state === 'queued') return { kind: 'forgotten' };
  if (!changed || owned.gone.aborted) return { kind: 'not-ours' };
  if (isKillRequested) return { kind: 'killed' };
  owned.confirmedAt = sentAt;
  owned.enter('starting');
  const launched = await launchPlanned(spool, owned.id, plan);
  if ('failure' in launched) return { kind: 'impossible', failure: launched.failure };
  const { wrapper, pidsBefore, wrapperGone, program } = launched;
  return {
    kind: 'begun',
    spool,
    meta: { ...meta, ...(wrapper && { wrapper }) },
    from: { outBytes: shipped.out, errBytes: shipped.err },
    pidsBefore,
    wrapperGone,
    program,
    plan,
  };
}

const impossible = (message: string): Start => ({ kind: 'impossible', failure: failure('invalid_request', message) });

async function planned({ plan }: StartDeps, runId: string, request: RunRequest, attempt: Attempt | undefined) {
  try {
    return await plan(runId, request, attempt?.number);
  } catch (error) {
    const fault = hostFaultOf(error);
    throw fault ? new HostFault(fault, `no run can be prepared: ${messageOf(error)}`, { cause: error }) : error;
  }
}

/** What the next worker has to know of a program that is about to be started. */
function metaFor(
  config: StartDeps['config'],
  owned: OwnedRun,
  request: RunRequest,
  { runner, input, home }: LaunchPlan,
  attempt: Attempt | undefined,
): SpoolMeta {
  const attempts = attemptsOf(request.setup?.fallbacks);
  return {
    runId: owned.id,
    runner: runner.name,
    agentName: request.agentName,
    ...(request.principal !== undefined && { principal: request.principal }),
    queue: owned.queue,
    leaseToken: owned.lease?.token ?? '',
    bootId: bootId(),
    path: input.path,
    home,
    timeoutMs: request.timeoutMs ?? config.runTimeoutMs,
    silenceTimeoutMs: request.silenceTimeoutMs ?? config.silenceTimeoutMs,
    ...(attempts > 1 && { attempts }),
    ...(attempt && { attempt }),
    // After a restart of the machine its clock starts again.
    startedUptimeMs: Math.min(attempt?.startedUptimeMs ?? Number.POSITIVE_INFINITY, uptimeMs()),
    ...(input.sessionId !== undefined && { sessionId: input.sessionId }),
  };
}

/** The spool is the host's; only what a runner lays over the home of its user may be wrong by that home. */
function makeSpool(root: string, meta: SpoolMeta, { stdin, files, user }: LaunchPlan): Spool | { failure: Failure } {
  try {
    return createSpool(root, meta, { stdin, files, user });
  } catch (error) {
    const fault = hostFaultOf(error) ?? (isWithin(pathOf(error), root) ? 'spool' : undefined);
    if (fault) throw new HostFault(fault, `its spool cannot be written: ${messageOf(error)}`, { cause: error });
    if (pathOf(error) === undefined) throw error;
    const message = `the settings of the runner cannot be read or written in ${meta.home}: ${messageOf(error)}`;
    return { failure: failure('invalid_request', message) };
  }
}

const isWithin = (path: string | undefined, root: string) => path?.startsWith(root) ?? false;

/** The file that an error of the system is about. */
function pathOf(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined;
}

/** Starts the wrapper; what the kernel refuses because of the run itself is a failure, anything else is thrown. */
async function launchPlanned(
  spool: Spool,
  runId: string,
  { program, args, env, input, user }: LaunchPlan,
): Promise<Launched | { failure: Failure }> {
  try {
    const directory = holdDirectory(input.path);
    try {
      if (user) checkEnterable(input.path, user);
      return await launch({ spool, runId, program, args, env, user, path: directory.cwd });
    } finally {
      directory.close();
    }
  } catch (error) {
    const fault = hostFaultOf(error) ?? (isWithin(pathOf(error), spool.directory) ? 'spool' : undefined);
    if (fault) throw new HostFault(fault, `no program can be started: ${messageOf(error)}`, { cause: error });
    return { failure: launchFailure(error) };
  }
}

function launchFailure(error: unknown): Failure {
  if (error instanceof DirectoryMoved || error instanceof DirectoryClosed)
    return failure('path_not_allowed', error.message);
  if (codeOf(error) === 'E2BIG')
    return failure(
      'invalid_request',
      'the prompt is too long for an argument of a program; let the runner take it by stdin',
    );
  const kind = codeOf(error) === 'EINVAL' ? 'invalid_request' : 'not_executable';
  return failure(kind, `the program cannot be started: ${messageOf(error)}`);
}
