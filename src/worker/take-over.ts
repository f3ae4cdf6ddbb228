import { setTimeout as pause } from 'node:timers/promises';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import type { LivingWorker } from '../shared/workers.js';
import type { WorkerDeps } from './deps.js';
import { bootId, isAlive, processesOf } from './processes.js';
import { readMeta, readNumberLine, type SpoolMeta, spooledRuns, spoolOf } from './spool.js';
import { startRun, watchOver } from './start-run.js';
import { tidy } from './tidy.js';

/** Whether a worker is dead: it left, was silent for three heartbeats, or is of this host and its process is gone. */
export function isDead(worker: LivingWorker | undefined, host: string): boolean {
  if (!worker?.alive || worker.phase === 'left') return true;
  return worker.host === host && !isAlive({ pid: worker.pid, start: worker.processStart });
}

/**
 * Takes over the runs of this host whose worker is gone: looks through the spools, attaches to the programs that live,
 * and reads the end of those that ended meanwhile. Answers how many runs it took.
 */
export async function takeOver(deps: WorkerDeps): Promise<number> {
  const { pool, host, supervised, starting, spools, logger } = deps;
  const ours = (runId: string) => supervised.has(runId) || starting.has(runId);
  const spooled = spooledRuns(spools).filter((runId) => !ours(runId));
  const workers = new Map((await pool.workers.list()).map((worker) => [worker.id, worker]));
  // A run that is ours by its record, and not under our eyes, slipped out of them while we were taken for dead.
  const hasDeadOwner = (run: Run) => run.worker === deps.id || isDead(workers.get(run.worker ?? ''), host);
  let taken = 0;
  for (const runId of spooled) {
    const run = await pool.runs.get(runId);
    if (!ours(runId) && run && !isEnded(run.state) && hasDeadOwner(run) && (await adopt(deps, run))) taken += 1;
  }
  if ([...workers.values()].some((worker) => worker.host === host && isDead(worker, host)))
    for (const state of ['running', 'orphaned'] as const)
      for (const run of await pool.runs.list({ state, host }, MOST_WITHOUT_SPOOL))
        if (!ours(run.id) && hasDeadOwner(run) && !spooled.includes(run.id) && (await recover(deps, run))) taken += 1;
  if (taken > 0) logger.info({ taken }, 'took over runs of a worker that is gone');
  return taken;
}

const MOST_WITHOUT_SPOOL = 1_000;

/**
 * A run of this host without a spool: its worker died between claiming it and making the spool, so no program was ever
 * started, and it is started now; or the disk was wiped, and with it all that is known.
 */
async function recover(deps: WorkerDeps, run: Run): Promise<boolean> {
  const { pool, id, host, slots } = deps;
  const { changed, epoch } = await pool.runs.takeOver(run, id, host);
  if (!changed) return false;
  if (run.pid !== undefined || processesOf(run.id).length > 0) {
    await pool.runs.end(run.id, epoch, {
      state: 'failed',
      failure: { kind: 'lost', message: 'its spool is gone from its host' },
    });
    await tidy(deps, run.id);
    return true;
  }
  slots.take(run.runner);
  const begun = await startRun(deps, { id: run.id, epoch }, run.queue, undefined);
  if (!begun) slots.release(run.runner);
  return true;
}

async function adopt(deps: WorkerDeps, run: Run): Promise<boolean> {
  const { pool, id, host, slots, leases, logger } = deps;
  const spool = spoolOf(deps.spools, run.id);
  const meta = readMeta(spool);
  const { changed, epoch } = await pool.runs.takeOver(run, id, host);
  if (!changed) return false; // another worker of this host was faster
  const own = { id: run.id, epoch };
  if (!meta) {
    await pool.runs.end(run.id, epoch, {
      state: 'failed',
      failure: { kind: 'lost', message: 'its spool is unreadable' },
    });
    await tidy(deps, run.id);
    return true;
  }
  const lease = await pool.queues.resumeLease(run.id, meta.queue, meta.leaseToken).catch(() => undefined);
  if (lease) leases.add(lease);
  slots.take(run.runner);
  if (await neverStarted(run, meta, spool.pid)) {
    const begun = await startRun(deps, own, meta.queue, lease);
    if (!begun) slots.release(run.runner);
    return true;
  }
  const found = withWrapper(spool.pid, run.id, meta);
  const pid = readNumberLine(spool.pid);
  if (run.pid === undefined && pid !== undefined) await pool.runs.started(own, pid, meta.path);
  watchOver(deps, own, lease, found, run);
  logger.info({ runId: run.id, pid: run.pid ?? pid }, 'attached to a running program');
  return true;
}

/** A process that was just forked when its worker died shows its mark after this (ms). */
const SETTLE_MS = 250;

/** The worker died after it had made the spool and before it started anything: neither a pid nor a marked process. */
async function neverStarted(run: Run, meta: SpoolMeta, pidFile: string): Promise<boolean> {
  const trace = () => run.pid ?? meta.wrapper ?? readNumberLine(pidFile) ?? processesOf(run.id)[0];
  if (trace() !== undefined) return false;
  await pause(SETTLE_MS);
  return trace() === undefined;
}

/** The worker may have died between the start of the wrapper and writing it down: then the mark tells who it is. */
function withWrapper(pidFile: string, runId: string, meta: SpoolMeta): SpoolMeta {
  const { wrapper: known, ...rest } = meta;
  if (meta.bootId !== bootId()) return rest; // the machine was started anew: nothing of then is alive
  if (known) return meta;
  const program = readNumberLine(pidFile);
  const wrapper = processesOf(runId).find(({ pid }) => pid !== program);
  return wrapper ? { ...meta, wrapper } : meta;
}
