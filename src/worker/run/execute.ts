import type { Logger } from '../../shared/logger.js';
import { again } from '../again.js';
import type { Figures } from '../figures.js';
import { uptimeMs } from '../process/processes.js';
import type { RecentEnds } from '../recover/recent-ends.js';
import { REFUSED } from '../spool/launch.js';
import { removeStart } from '../spool/spool.js';
import { attemptAfter } from './attempts.js';
import {
  endUnstarted,
  finishJob,
  type GiveBackDeps,
  giveBack,
  giveJobBack,
  HostFault,
  restartHere,
} from './give-back.js';
import type { OwnedRun } from './owned-run.js';
import type { RunTrace } from './run-trace.js';
import { type Begun, type StartDeps, startAttempt, type ToStart } from './start-attempt.js';
import type { Supervision } from './supervise.js';

/** With what the work for a run begins: the start of its program, or one that may run already. */
export type Beginning = ToStart | Begun;

export interface ExecuteDeps {
  readonly start: StartDeps;
  /** Watches a program from now on. */
  readonly watch: (owned: OwnedRun, begun: Begun, saw?: RunTrace['saw']) => Supervision;
  /** Absent without traces. */
  readonly trace?: (owned: OwnedRun) => RunTrace;
  readonly giveBack: GiveBackDeps;
  readonly figures: Pick<Figures, 'ended' | 'took'>;
  readonly recentEnds: Pick<RecentEnds, 'note'>;
  readonly logger: Logger;
}

/**
 * All that is done for a run that we own, attempt by attempt, until it has ended, is queued again or is another one's;
 * then lets go of it. Never throws.
 */
export async function execute(deps: ExecuteDeps, owned: OwnedRun, first: Beginning): Promise<void> {
  const trace = deps.trace?.(owned);
  try {
    for (let next: Beginning | undefined = first; next && !owned.gone.aborted; )
      next = next.kind === 'begun' ? await superviseToEnd(deps, owned, next, trace) : await begin(deps, owned, next);
  } catch (error) {
    deps.logger.error({ runId: owned.id, err: error }, 'the run has no worker any more; it is looked at again');
  } finally {
    await trace?.over();
    owned.letGo();
  }
}

/** Starts the program; answers nothing when there is no program to watch, because the run has ended or was given back. */
async function begin(deps: ExecuteDeps, owned: OwnedRun, toStart: ToStart): Promise<Beginning | undefined> {
  try {
    const started = await startAttempt(deps.start, owned, toStart);
    if (started.kind === 'begun') return { ...started, restarts: toStart.restarts ?? 0 };
    if (started.kind === 'not-ours') return undefined;
    if (started.kind === 'forgotten') return void (await giveJobBack(deps.giveBack, owned));
    const { failure } = started.kind === 'impossible' ? started : {};
    await endUnstarted(deps.giveBack, owned, failure ? { state: 'failed', failure } : { state: 'killed' });
    return undefined;
  } catch (error) {
    return notStarted(deps, owned, error, toStart);
  }
}

/** Nothing was started: the run goes back to its queue, or its further attempt is begun again here. */
async function notStarted(
  deps: ExecuteDeps,
  owned: OwnedRun,
  why: unknown,
  { attempt, restarts = 0 }: ToStart,
): Promise<Beginning | undefined> {
  if (owned.gone.aborted) return undefined;
  if (!attempt) return void (await giveBack(deps.giveBack, owned, why));
  if (!(await restartHere(deps.giveBack, owned, why, restarts))) return undefined;
  return { kind: 'start', attempt, restarts: restarts + 1 };
}

/** Watches over a program until it is over; answers what comes next, if anything does. */
async function superviseToEnd(
  deps: ExecuteDeps,
  owned: OwnedRun,
  begun: Begun,
  trace: RunTrace | undefined,
): Promise<Beginning | undefined> {
  const { spool, meta } = begun;
  const patiently = <Answer>(action: () => Answer | Promise<Answer>) =>
    again(action, owned.gone, (error) =>
      deps.logger.warn({ runId: owned.id, err: error }, 'the program cannot be watched yet; trying again'),
    );
  const supervision = await patiently(() => deps.watch(owned, begun, trace?.saw));
  if (!supervision) return undefined;
  owned.watchedBy(supervision);
  const over = await supervision.over;
  if (over.kind === 'ended') {
    const { state, interruptions, failure, usage = {} } = over;
    deps.figures.ended(owned.runner, state, failure?.kind);
    deps.figures.took(owned.runner, Math.max(0, uptimeMs() - meta.startedUptimeMs), usage);
    deps.recentEnds.note(owned.id, interruptions);
    await finishJob(deps.giveBack, owned, { state, ...(failure && { message: failure.message }) });
  }
  if (over.kind === 'refused') {
    trace?.refused(over.because.kind);
    const attempt = await patiently(() => attemptAfter(spool, meta, over.because));
    return attempt && { kind: 'start', attempt };
  }
  if (over.kind !== 'unstarted') return undefined;
  await patiently(() => removeStart(spool)); // to whoever looks from now on, it was not started
  return notStarted(deps, owned, unstartedFault(over.code), { ...begun, kind: 'start', attempt: meta.attempt });
}

/** Why the shell around a program has ended without starting it, by its exit status. */
function unstartedFault(code: number | undefined): Error {
  if (code === undefined || code > 128) return new Error('the shell around the program was ended by a signal');
  if (code === REFUSED) return new HostFault('spool', 'the shell around a program could not write into its spool');
  return new HostFault('processes', `the shell around a program could not start it and ended with ${code}`);
}
