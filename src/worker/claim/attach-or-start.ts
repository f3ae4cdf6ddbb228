import type { Logger } from '../../shared/logger.js';
import type { Lease } from '../../shared/queues/leases.js';
import type { Queues } from '../../shared/queues/queues.js';
import { partsOf } from '../../shared/queues/route.js';
import type { Run, RunRequest } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Stored } from '../../shared/stored-form.js';
import type { Beginning } from '../run/execute.js';
import { newerRequest } from '../run/give-back.js';
import { makeOurs } from '../run/make-ours.js';
import type { OwnedRun, OwnedRuns } from '../run/owned-run.js';
import type { Mirrors } from './mirror.js';
import type { OneByOne } from './one-by-one.js';
import { placeRecorded } from './place-recorded.js';
import type { PoolLimits } from './pool-limits.js';
import type { ShareTurns } from './share-turns.js';
import type { Slots } from './slots.js';
import type { Spread } from './spread.js';

/** What to do with a job that BullMQ hands us; it may do so more than once for one run. */
export type Decision = 'start' | 'start-claimed' | 'attach' | 'mirror' | 'end';

/** Where this host has a run: watched by us, in a spool whose program may have been started, or not at all. */
export type Here = 'watched' | 'spooled' | 'nowhere';

/**
 * Decides from the record, since a job may come again while its program lives: a worker that died, an event loop that
 * stood still, or a Redis that was away for longer than the lock, are enough. And since a Redis that crashed may have
 * forgotten a claim, what this host has of a run is never started: the look through the spools attaches to it.
 */
export function decide(
  run: Pick<Run, 'state' | 'worker' | 'launched' | 'pid'> | undefined,
  worker: string,
  here: Here,
): Decision {
  if (!run || isEnded(run.state)) return 'end';
  if (run.state === 'queued') return here === 'nowhere' ? 'start' : 'mirror';
  if (run.worker !== worker || here === 'spooled') return 'mirror';
  if (here === 'watched') return 'attach';
  // Ours, and not started: the answer to our claim was lost. A spool may have been removed by its program.
  return run.launched === undefined && run.pid === undefined ? 'start-claimed' : 'mirror';
}

/** A waiting run looks by itself whether its session is free (ms): the end of the other one may have promoted in vain. */
const LOOK_AGAIN_MS = 10_000;
/** A run that is bound to a host looks so often (ms) whether the pool may run one more of its runner. */
const LOOK_FOR_ROOM_MS = 1_000;

export interface ClaimDeps {
  readonly runs: Pick<
    RunStore,
    'get' | 'runningOf' | 'request' | 'tellWaiting' | 'claim' | 'lockSession' | 'sessionHolder' | 'releaseSessions'
  >;
  readonly queues: Pick<Queues, 'has' | 'placeAnew' | 'promote' | 'wakeWhenDue'>;
  /** This worker. */
  readonly id: string;
  readonly host: string;
  readonly slots: Pick<Slots, 'isFree'>;
  readonly limits: Pick<PoolLimits, 'take' | 'untake'>;
  readonly spread: Pick<Spread, 'stepBack'>;
  /** How many runs of one principal may run at once; 0 means no limit. */
  readonly config: { readonly maxRunningRuns: number };
  /** Of one name, does one after the other. */
  readonly oneByOne: OneByOne;
  /** When runs whose principal has its share are looked at again. */
  readonly shareTurns: ShareTurns;
  readonly owned: OwnedRuns;
  readonly mirrors: Mirrors;
  readonly hasBegunHere: (runId: string) => boolean;
  /** Ends programs of this host whose runs were given up; they may still use a session. */
  readonly endLost: () => Promise<void>;
  /** Does all that is to be done for a run that is ours; see `execute`. */
  readonly execute: (owned: OwnedRun, first: Beginning) => Promise<void>;
  readonly logger: Logger;
}

/**
 * Takes a job on: starts its program if nobody has, else mirrors the end of the run that somebody looks after. Resolves
 * once that is decided, with false when there was no slot. When it throws, the job is still ours to give back.
 */
export async function attachOrStart(deps: ClaimDeps, lease: Lease): Promise<boolean> {
  const { runs, id, owned, mirrors } = deps;
  const [run, request] = await Promise.all([runs.get(lease.runId), runs.request(lease.runId)]);
  const decision = decide(run, id, whereIs(deps, lease.runId));
  if (!run || decision === 'end') {
    await lease.finish({
      state: run?.state ?? 'failed',
      message: run?.failure?.message ?? (run ? '' : 'its record is gone'),
    });
    if (!run) await placeIfWritten(deps, lease.runId);
    return true;
  }
  const watched = owned.get(run.id);
  if (decision === 'attach' && watched) {
    watched.lease = lease; // the one before was lost, or BullMQ would not hand the job out
    return true;
  }
  if (decision === 'attach' || decision === 'mirror') {
    mirrors.hold(lease);
    return true;
  }
  const start = () => startHere(deps, run, request, lease, decision);
  // Counted, and then claimed: of one principal, one run after the other.
  const started = await (deps.config.maxRunningRuns > 0 ? deps.oneByOne(run.principal, start) : start());
  return started === 'again' ? attachOrStart(deps, lease) : started;
}

/**
 * The record of a run may come after its job: its server refused it, or forgot it in a failover, and the submitter writes
 * all of it again. Then it looks for a job last, as we look for a record after the job has ended: one of us places the run.
 */
async function placeIfWritten(deps: ClaimDeps, runId: string): Promise<void> {
  const run = await deps.runs.get(runId);
  if (run?.state === 'queued') await placeRecorded(deps, run);
}

/** Claims a run where there is a slot, and starts it; `again` when it became another's meanwhile. */
async function startHere(
  deps: ClaimDeps,
  run: Run,
  request: Stored<RunRequest> | undefined,
  lease: Lease,
  decision: 'start' | 'start-claimed',
): Promise<boolean | 'again'> {
  if (decision === 'start' && (await hasItsShare(deps, run))) {
    const againMs = deps.shareTurns.delayMs(run.principal);
    await lease.delay(againMs);
    await deps.queues.wakeWhenDue(run.queue, againMs);
    return true;
  }
  const fullForMs = decision === 'start' ? await deps.limits.take(run) : undefined;
  if (fullForMs !== undefined) return leaveForRoom(deps, run, lease, fullForMs);
  // In one step with taking the slot: others are being started at the same time.
  if (!deps.slots.isFree(run.runner)) {
    deps.limits.untake(run);
    await lease.giveBack();
    return false;
  }
  const handle = deps.owned.obtain(run, lease);
  if (!handle) return 'again';
  const claimed = decision === 'start-claimed' ? 'ours' : await claim(deps, handle, run, request);
  if (claimed === 'ours') void deps.execute(handle, { kind: 'start', request });
  return claimed === 'lost' ? 'again' : true; // lost to a kill, or to another worker
}

/**
 * The pool has as many runs of this runner as it may: the run goes back to the head of its queue, which nobody asks until there
 * is room. In the queue of a host it lets the runs of other runners pass. Answers as `attachOrStart` does.
 */
async function leaveForRoom({ queues }: ClaimDeps, run: Run, lease: Lease, againMs: number): Promise<boolean> {
  if (partsOf(run.queue).host === undefined) {
    await lease.giveBack();
    return false;
  }
  const soonMs = Math.min(againMs, LOOK_FOR_ROOM_MS);
  await lease.delay(soonMs);
  await queues.wakeWhenDue(run.queue, soonMs);
  return true;
}

/** Whether the principal of a run has as many running as it may have; it is counted, not locked, so a few more may be. */
async function hasItsShare({ runs, config: { maxRunningRuns } }: ClaimDeps, { principal }: Run): Promise<boolean> {
  return maxRunningRuns > 0 && (await runs.runningOf(principal)) >= maxRunningRuns;
}

type Claimed = 'ours' | 'waits' | 'lost';

/**
 * Claims a run when we understand its request and its session is free; else its job is delayed, and takes neither a
 * slot nor our time. Lets go of the handle unless the run is ours.
 */
async function claim(
  deps: ClaimDeps,
  handle: OwnedRun,
  run: Run,
  request: Stored<RunRequest> | undefined,
): Promise<Claimed> {
  const { runs, queues, id, host } = deps;
  let ours = false;
  try {
    if (request && 'newer' in request) {
      await leaveForNewer(deps, handle, run, request.newer);
      return 'waits';
    }
    if ((await runs.lockSession(run)) !== undefined) {
      await handle.lease?.delay(LOOK_AGAIN_MS);
      // It may have become free just before there was something to promote.
      if ((await runs.sessionHolder(run)) === undefined) await queues.promote(run.id, run.queue);
      return 'waits';
    }
    if (run.resumes !== undefined) await deps.endLost();
    const claimed = await makeOurs(deps, handle, () => runs.claim(run.id, id, host));
    ours = claimed.changed;
    if (claimed.state !== undefined && isEnded(claimed.state)) await runs.releaseSessions(run);
    return ours ? 'ours' : 'lost';
  } finally {
    if (!ours) {
      deps.limits.untake(run);
      handle.letGo();
    }
  }
}

/** Leaves a run for a worker of a newer release. All are woken when it is due, and we ask after all others. */
async function leaveForNewer(
  { runs, queues, spread }: ClaimDeps,
  handle: OwnedRun,
  run: Run,
  form: number,
): Promise<void> {
  const reason = newerRequest(form);
  if (run.waitReason !== reason) await runs.tellWaiting(run.id, reason);
  spread.stepBack(run.queue);
  await handle.lease?.delay(LOOK_AGAIN_MS);
  await queues.wakeWhenDue(run.queue, LOOK_AGAIN_MS);
}

function whereIs({ owned, hasBegunHere }: ClaimDeps, runId: string): Here {
  if (owned.has(runId)) return 'watched';
  return hasBegunHere(runId) ? 'spooled' : 'nowhere';
}
