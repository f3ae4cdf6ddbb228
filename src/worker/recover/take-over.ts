import { setTimeout as pause } from 'node:timers/promises';
import type { Run } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { LivingWorker } from '../../shared/workers.js';
import type { WorkerDeps } from '../deps.js';
import { bootId, isAlive, processesOf } from '../process/processes.js';
import { startRun, watchOver } from '../run/start-run.js';
import { hasBegun, presentSpool, readNumberLine, type Spool, type SpoolMeta, spooledRuns } from '../spool/spool.js';
import { tidy } from './tidy.js';

/** Whether a worker is gone for certain: nobody knows it, it left, or it is of this host and its process is gone. */
function isGone(worker: LivingWorker | undefined, host: string): boolean {
  if (!worker || worker.phase === 'left') return true;
  return worker.host === host && !isAlive({ pid: worker.pid, start: worker.processStart });
}

/** Whether a worker is dead: gone, or silent for three heartbeats. */
export function isDead(worker: LivingWorker | undefined, host: string): boolean {
  return !worker?.alive || isGone(worker, host);
}

/**
 * Takes over the runs of this host whose worker is gone: looks through the spools, attaches to the programs that live,
 * and reads the end of those that ended meanwhile. Answers how many runs it took.
 */
export async function takeOver(deps: WorkerDeps): Promise<number> {
  const { pool, host, supervised, starting, spools, logger } = deps;
  const ours = (runId: string) => supervised.has(runId) || starting.has(runId);
  const spooled = spooledRuns(spools).filter((runId) => !ours(runId));
  const register = async () => new Map((await pool.workers.list()).map((worker) => [worker.id, worker]));
  let workers = await register();
  // A run that is ours by its record, and not under our eyes, slipped out of them while we were taken for dead.
  const hasDeadOwner = async ({ worker }: Run) => {
    if (worker === undefined || worker === deps.id) return true;
    if (!workers.has(worker)) workers = await register(); // it may have come, and taken the run, since we looked
    return (deps.contact.isSteady() ? isDead : isGone)(workers.get(worker), host);
  };
  let taken = 0;
  for (const runId of spooled) {
    const run = await pool.runs.get(runId);
    if (!run || isEnded(run.state) || !(await hasDeadOwner(run)) || ours(runId)) continue;
    if (await take(deps, run)) taken += 1;
  }
  const bereft = [...workers.values()].some((worker) => worker.host === host && isDead(worker, host));
  for (const state of bereft ? (['running', 'orphaned'] as const) : (['orphaned'] as const))
    for (const run of await pool.runs.list({ state, host }, MOST_WITHOUT_SPOOL)) {
      if (spooled.includes(run.id) || !(await hasDeadOwner(run)) || ours(run.id)) continue;
      if (await take(deps, run)) taken += 1;
    }
  if (taken > 0) logger.info({ taken }, 'took over runs of a worker that is gone');
  return taken;
}

const MOST_WITHOUT_SPOOL = 1_000;

/** Takes over a run whose owner is dead; false when another worker of this host was faster. */
async function take(deps: WorkerDeps, run: Run): Promise<boolean> {
  const { pool, id, host } = deps;
  // With a spool and `queued`: a Redis that crashed has forgotten that the run was claimed, and perhaps started, here.
  const { changed, epoch } =
    run.state === 'queued' ? await pool.runs.claim(run.id, id, host) : await pool.runs.takeOver(run, id, host);
  if (!changed) return false;
  // Only now: its last owner may have made the spool, and died, since we listed them.
  const { spool, meta } = presentSpool(deps.spools, run.id);
  await (hasBegun(spool) ? attach : startAnew)(deps, { ...run, epoch }, spool, meta);
  return true;
}

type Meta = SpoolMeta | undefined;

/**
 * Nothing was ever started from its spool, if there is one, or of the try that is next: so it is started now, unless
 * there are traces all the same. Those of the tries before are none.
 */
async function startAnew(deps: WorkerDeps, run: Run, _: Spool, meta: Meta): Promise<void> {
  if (!meta?.attempt && (run.pid !== undefined || processesOf(run.id).length > 0))
    return giveUp(deps, run, 'its spool is gone from its host');
  const lease = meta && (await leaseOf(deps, meta));
  deps.slots.take(run.runner);
  await startRun(deps, run, run, lease, meta?.attempt);
}

async function attach(deps: WorkerDeps, run: Run, spool: Spool, meta: Meta): Promise<void> {
  if (!meta) return giveUp(deps, run, 'its spool is unreadable');
  const lease = await leaseOf(deps, meta);
  deps.slots.take(run.runner);
  watchOver(deps, run, lease, await withWrapper(spool, meta), run);
  deps.logger.info({ runId: run.id, pid: run.pid ?? readNumberLine(spool.pid) }, 'attached to a running program');
}

/** Goes on with the lock that the last owner held. */
async function leaseOf({ pool, leases }: WorkerDeps, { runId, queue, leaseToken }: SpoolMeta) {
  const lease = await pool.queues.resumeLease(runId, queue, leaseToken).catch(() => undefined);
  if (lease) leases.add(lease);
  return lease;
}

async function giveUp(deps: WorkerDeps, run: Run, message: string): Promise<void> {
  await deps.pool.runs.end(run.id, run.epoch, { state: 'failed', failure: { kind: 'lost', message } });
  await tidy(deps, run.id);
}

/** A wrapper says who it is within this time (ms). */
const SETTLE_MS = 1_000;

/** The worker may have died between the start of the wrapper and writing it down: then the wrapper says who it is. */
async function withWrapper(spool: Spool, meta: SpoolMeta): Promise<SpoolMeta> {
  const { wrapper: known, ...rest } = meta;
  if (meta.bootId !== bootId()) return rest; // the machine was started anew: nothing of then is alive
  if (known) return meta;
  for (const begun = performance.now(); performance.now() - begun < SETTLE_MS; await pause(10)) {
    const pid = readNumberLine(spool.once);
    const marked = processesOf(meta.runId);
    const wrapper = marked.find((process) => process.pid === pid);
    if (wrapper) return { ...meta, wrapper };
    if (pid !== undefined || marked.length === 0) break;
  }
  return rest;
}
