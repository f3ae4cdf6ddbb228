import type { Lease } from '../../shared/queues/leases.js';
import type { Run } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { Change } from '../../shared/run-store/ownership.js';
import type { WorkerDeps } from '../deps.js';
import { endLost } from '../recover/tidy.js';
import { startRun } from '../run/start-run.js';
import { spooledRuns } from '../spool/spool.js';

/** What to do with a job that BullMQ hands us; it may do so more than once for one run. */
export type Decision = 'start' | 'start-claimed' | 'attach' | 'mirror' | 'end';

/** Where this host has a run: under our eyes, in a spool that nobody watches just now, or not at all. */
export type Here = 'watched' | 'spooled' | 'nowhere';

/**
 * Decides from the record, since a job may come again while its program lives: a worker that died, an event loop that
 * stood still, or a Redis that was away for longer than the lock, are enough. And since a Redis that crashed may have
 * forgotten a claim, what this host has of a run is never started: the look through the spools attaches to it.
 */
export function decide(run: Pick<Run, 'state' | 'worker'> | undefined, worker: string, here: Here): Decision {
  if (!run || isEnded(run.state)) return 'end';
  if (run.state === 'queued') return here === 'nowhere' ? 'start' : 'mirror';
  if (run.worker !== worker || here === 'spooled') return 'mirror';
  return here === 'watched' ? 'attach' : 'start-claimed'; // ours, and nobody has started it: the answer to our claim was lost
}

/** A waiting run looks by itself whether its session is free (ms): the end of the other one may have promoted in vain. */
const LOOK_AGAIN_MS = 10_000;

/**
 * Takes a job on: starts its program if nobody has, else mirrors the end of the run that somebody looks after. Resolves
 * once the slot is taken, with false when there was none; what takes longer goes to `inBackground`.
 */
export async function attachOrStart(
  deps: WorkerDeps,
  lease: Lease,
  inBackground: (begun: Promise<void>) => void,
): Promise<boolean> {
  const { pool, id, supervised, leases } = deps;
  const run = await pool.runs.get(lease.runId);
  const decision = decide(run, id, whereIs(deps, lease.runId));
  if (!run || decision === 'end') {
    await lease.finish({
      state: run?.state ?? 'failed',
      message: run?.failure?.message ?? (run ? '' : 'its record is gone'),
    });
    return true;
  }
  if (decision === 'mirror') return mirror(deps, lease);
  if (decision === 'attach') {
    const supervision = supervised.get(run.id);
    if (!supervision) return mirror(deps, lease);
    if (supervision.lease) leases.delete(supervision.lease);
    supervision.lease = lease;
    leases.add(lease);
    return true;
  }
  if (!deps.slots.isFree(run.runner)) {
    await lease.giveBack();
    return false;
  }
  deps.slots.take(run.runner);
  const claimed =
    decision === 'start-claimed'
      ? { changed: true, epoch: run.epoch }
      : await claim(deps, run, lease).catch((error: unknown) => {
          deps.slots.release(run.runner);
          throw error;
        });
  if (!claimed?.changed) {
    deps.slots.release(run.runner);
    if (!claimed) return true; // it waits for its session
    return attachOrStart(deps, lease, inBackground); // a kill, another worker, or we ourselves: the answer was lost
  }
  leases.add(lease);
  inBackground(begin(deps, run, claimed.epoch, lease));
  return true;
}

/** Claims a run when its session is free; else its job is laid aside, and takes neither a slot nor our time. */
async function claim(deps: WorkerDeps, run: Run, lease: Lease): Promise<Change | undefined> {
  const { runs, queues } = deps.pool;
  if ((await runs.lockSession(run)) !== undefined) {
    await lease.delay(LOOK_AGAIN_MS);
    // It may have become free just before there was something to promote.
    if ((await runs.sessionHolder(run)) === undefined) await queues.promote(run.id, run.queue);
    return undefined;
  }
  if (run.resumes !== undefined) await endLost(deps);
  const claimed = await runs.claim(run.id, deps.id, deps.host);
  if (claimed.state !== undefined && isEnded(claimed.state)) await runs.releaseSessions(run);
  return claimed;
}

function whereIs({ supervised, starting, spools }: WorkerDeps, runId: string): Here {
  if (supervised.has(runId) || starting.has(runId)) return 'watched';
  return spooledRuns(spools).includes(runId) ? 'spooled' : 'nowhere';
}

async function begin(deps: WorkerDeps, run: Run, epoch: number, lease: Lease): Promise<void> {
  if (await startRun(deps, { id: run.id, epoch }, { runner: run.runner, queue: lease.queue }, lease)) return;
  deps.leases.delete(lease);
  deps.onRoom();
}

/** The longest that one wait for somebody else's run takes before it is begun anew (ms). */
const MIRROR_MS = 24 * 60 * 60_000;

/** Holds the job until the run that another worker owns has ended, so that Bull Board is right. */
function mirror(deps: WorkerDeps, lease: Lease): true {
  const { pool, leases, logger } = deps;
  leases.add(lease);
  const follow = async () => {
    let run: Run | undefined;
    do
      run = await pool.runs.wait(lease.runId, (seen) => isEnded(seen.state) || !leases.has(lease), {
        timeoutMs: MIRROR_MS,
      });
    while (run && !isEnded(run.state) && leases.has(lease));
    if (leases.delete(lease))
      await lease.finish({ state: run?.state ?? 'failed', message: run?.failure?.message ?? '' });
  };
  follow().catch((error: unknown) => {
    leases.delete(lease); // its lock runs out, and it comes again
    logger.debug({ runId: lease.runId, err: error }, 'the job is not mirrored any more');
  });
  return true;
}
