import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { Queues } from '../../shared/queues/queues.js';
import { asUnreachable } from '../../shared/redis/unreachable.js';
import type { Failure } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { Ending } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { HostFaultKind } from '../../shared/workers/workers.js';
import { again } from '../again.js';
import type { Figures } from '../figures.js';
import type { HostHealth } from '../host/health.js';
import { removeSpool, spoolOf } from '../spool/spool.js';
import type { OwnedRun } from './owned-run.js';

/** The host could not do what starting a program needs; no run's fault. */
export class HostFault extends Error {
  override readonly name = 'HostFault';
  constructor(
    readonly kind: HostFaultKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A newer release has written the request, and carries it out; no run's fault either. */
export class NewerRequest extends Error {
  override readonly name = 'NewerRequest';
  constructor(form: number) {
    super(newerRequest(form));
  }
}

/** Why a run waits whose request has a form that is newer than ours. */
export const newerRequest = (form: number): string =>
  `it waits for a newer worker: its request was written by a newer release (form ${form})`;

/** A run that fails in an unexpected way before its start, everywhere and so often, is given up. */
const MOST_ERRORS = 10;

export interface GiveBackDeps {
  readonly runs: Pick<RunStore, 'notLaunched' | 'requeue' | 'end' | 'request' | 'settled' | 'interruptions'>;
  readonly queues: Pick<Queues, 'has' | 'placeAnew' | 'promote'>;
  readonly health: Pick<HostHealth, 'fault'>;
  readonly figures: Pick<Figures, 'ended'>;
  readonly host: string;
  readonly spools: string;
  readonly config: { readonly heartbeatMs: number };
  readonly logger: Logger;
}

/**
 * Gives a run back to its queue, at its place: its prompt was not given to a program. Ends it instead where somebody
 * asked for that meanwhile, or where it has failed in unexpected ways too often. Does not throw; goes on until Redis has
 * taken it, or the run is let go.
 */
export async function giveBack(deps: GiveBackDeps, owned: OwnedRun, why: unknown): Promise<void> {
  const { runs, health, host, spools, config, logger } = deps;
  owned.enter('giving-back');
  if (why instanceof HostFault) health.fault(why.kind, why.message);
  logger.warn({ runId: owned.id, err: why }, 'the run cannot be started here now; it goes back to its queue');
  // If we die before Redis knows that nothing was started, the spool is what tells the next worker.
  let toldAt = performance.now();
  const told = await persistKept(deps, owned, () => {
    toldAt = performance.now();
    return runs.notLaunched(owned);
  });
  // And before the run is anybody else's: another worker of this host makes its spool in the same place. If we stood still
  // meanwhile, it may have: a worker is replaced after three heartbeats, of which one may have been due before.
  const isOurs = performance.now() - toldAt < config.heartbeatMs;
  if (told?.changed && isOurs) tryTo(() => removeSpool(spoolOf(spools, owned.id)), logger); // what stays is removed with a later heartbeat
  const answer = await persistKept(deps, owned, () =>
    runs.requeue(owned, host, isNoRunsFault(why) ? undefined : MOST_ERRORS),
  );
  if (answer?.refused === 'kill') return endUnstarted(deps, owned, { state: 'killed' });
  if (answer?.refused === 'started')
    return endUnstarted(deps, owned, failed('lost', 'the program is gone and nobody saw how it ended'));
  if (answer?.refused === 'errors')
    return endUnstarted(deps, owned, failed('not_executable', `the program cannot be started: ${messageOf(why)}`));
  if (answer?.state === 'queued') return giveJobBack(deps, owned);
  // Queued by us already, and killed before the answer came: whoever did that could not remove the job that we hold.
  if (answer?.state && isEnded(answer.state)) await finishJob(deps, owned, { state: answer.state });
}

/** Of the host, of the release, or of Redis: however often it happens, the run waits. */
const isNoRunsFault = (why: unknown) =>
  why instanceof HostFault || why instanceof NewerRequest || asUnreachable(why) !== undefined;

const failed = (kind: Failure['kind'], message: string): Ending => ({ state: 'failed', failure: { kind, message } });

/** Sees to it that a run that is queued again has a job that waits. Does not throw. */
export async function giveJobBack(deps: GiveBackDeps, owned: OwnedRun): Promise<void> {
  await persist(deps, owned, () => placeAgain(deps, owned));
}

/** Gives the job back to the head of its queue; where we do not hold it and it does not exist, the run is placed anew. */
async function placeAgain({ runs, queues }: GiveBackDeps, { id, queue, lease }: OwnedRun): Promise<void> {
  if (lease && (await lease.giveBack())) return queues.promote(id, queue); // tells the workers: nothing was placed
  if (await queues.has(id, queue)) return; // waiting, or with somebody who mirrors the run and gives it back
  const request = await runs.request(id);
  if (request && 'value' in request) await queues.placeAnew(id, queue, request.value);
}

/** Ends a run that has no program, and its job. Does not throw. */
export async function endUnstarted(
  deps: Pick<GiveBackDeps, 'runs' | 'figures' | 'logger'>,
  owned: OwnedRun,
  ending: Ending,
): Promise<void> {
  const { id, epoch } = owned;
  if (ending.failure) deps.logger.warn({ runId: id, failure: ending.failure.kind }, 'the run cannot be started');
  const ended = await persistKept(deps, owned, () => deps.runs.end(id, epoch, ending));
  if (!ended?.state || !isEnded(ended.state)) return;
  deps.figures.ended(owned.runner, ended.state, ending.failure?.kind);
  const message = ended.state === ending.state ? ending.failure?.message : undefined;
  await finishJob(deps, owned, { state: ended.state, ...(message !== undefined && { message }) });
}

/** Mirrors the end of a run in its job, if we hold it. */
export async function finishJob(
  deps: Pick<GiveBackDeps, 'logger'>,
  owned: OwnedRun,
  outcome: { readonly state: string; readonly message?: string },
): Promise<void> {
  await persist(deps, owned, async () => owned.lease?.finish(outcome));
}

function persist<Answer>({ logger }: Pick<GiveBackDeps, 'logger'>, owned: OwnedRun, action: () => Promise<Answer>) {
  return again(action, owned.gone, (error) =>
    logger.warn({ runId: owned.id, err: error }, 'Redis does not take what became of the run; it is told again'),
  );
}

/** Tells Redis what became of the run until neither a crash nor a failover makes it forget that. */
function persistKept<Answer>(
  deps: Pick<GiveBackDeps, 'runs' | 'logger'>,
  owned: OwnedRun,
  action: () => Promise<Answer>,
): Promise<Answer | undefined> {
  return persist(deps, owned, async () => {
    const before = deps.runs.interruptions();
    const answer = await action();
    await deps.runs.settled(owned.id);
    if (deps.runs.interruptions() !== before) throw new Error('the connection to Redis was lost meanwhile');
    return answer;
  });
}

function tryTo(action: () => void, logger: Logger): void {
  try {
    action();
  } catch (error) {
    logger.debug({ err: error }, 'the spool of a run that was given back cannot be removed yet');
  }
}

/** How often a further attempt is begun again when its host fails, and how long it waits before that (ms). */
const MOST_RESTARTS = 5;
const RESTART_PAUSE_MS = 1_000;

/**
 * A further attempt that could not be started: the run has output of the ones before, so no other host can go on with
 * it. Answers whether this host is to begin it again; ends the run when that went wrong too often.
 */
export async function restartHere(
  deps: GiveBackDeps,
  owned: OwnedRun,
  why: unknown,
  restarts: number,
): Promise<boolean> {
  if (why instanceof HostFault) deps.health.fault(why.kind, why.message);
  if (restarts >= MOST_RESTARTS) {
    const kind = why instanceof HostFault && why.kind !== 'processes' ? 'spool' : 'not_executable';
    await endUnstarted(deps, owned, failed(kind, `the next attempt cannot be started: ${messageOf(why)}`));
    return false;
  }
  deps.logger.warn({ runId: owned.id, err: why }, 'the next attempt cannot be started yet; trying again');
  await pause(RESTART_PAUSE_MS, undefined, { signal: owned.gone }).catch(() => {});
  return !owned.gone.aborted;
}
