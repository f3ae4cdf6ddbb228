import { isEnded } from '../../shared/run-state.js';
import type { WorkerDeps } from '../deps.js';
import { endTree } from '../process/end-tree.js';
import { markedRuns } from '../process/processes.js';
import { removeSpool, spooledRuns, spoolOf } from '../spool/spool.js';

/**
 * A Redis that syncs its file once a second may forget, in a crash, what it was told just before (ms, with a margin).
 * So long a spool stays after the end of its run.
 */
export const KEEP_ENDED_MS = 5_000;
const LEFTOVER_GRACE_MS = 1_000;

/** Ends what is left of a run's processes and removes its files. */
export async function tidy({ spools, logger }: WorkerDeps, runId: string): Promise<void> {
  const left = await endTree({ runId, signal: 'TERM', graceMs: LEFTOVER_GRACE_MS });
  if (left.length > 0) logger.error({ runId, left }, 'processes of an ended run cannot be ended');
  removeSpool(spoolOf(spools, runId));
}

/** Tidies the runs of this host that ended longer ago than `keepMs`, or of which nobody knows any more. */
export async function tidyEnded(deps: WorkerDeps, keepMs: number): Promise<void> {
  const { pool, spools, supervised, starting } = deps;
  const spooled = spooledRuns(spools).filter((runId) => !supervised.has(runId) && !starting.has(runId));
  if (spooled.length === 0) return;
  const now = await pool.runs.now();
  for (const runId of spooled) {
    const run = await pool.runs.get(runId);
    if (!run || (isEnded(run.state) && now - (run.endedAt ?? 0) >= keepMs)) await tidy(deps, runId);
  }
}

/**
 * Ends what runs of this pool and host have left behind, found by the mark alone: a process that was out of sight when
 * its run ended, such as one that a worker was just about to end when it died. Of runs that we do not know we know
 * nothing: they may be another pool's.
 */
export async function endLeftovers({ pool, host, supervised, starting, logger }: WorkerDeps): Promise<void> {
  if (pool.config.keepLeftovers) return;
  const now = await pool.runs.now();
  for (const runId of markedRuns()) {
    if (supervised.has(runId) || starting.has(runId)) continue;
    const run = await pool.runs.get(runId);
    if (!run || run.host !== host || !isEnded(run.state) || now - (run.endedAt ?? now) < KEEP_ENDED_MS) continue;
    logger.warn({ runId }, 'ending processes that an ended run has left behind');
    await endTree({ runId, signal: 'TERM', graceMs: LEFTOVER_GRACE_MS });
  }
}

/**
 * Ends the programs of this host whose runs were given up as lost. They may still use a session that is free since, so
 * this is done before the next run resumes one.
 */
export async function endLost({ pool, spools }: WorkerDeps): Promise<void> {
  for (const runId of spooledRuns(spools)) {
    const run = await pool.runs.get(runId);
    if (run?.failure?.kind === 'lost') await endTree({ runId, signal: 'TERM', graceMs: LEFTOVER_GRACE_MS });
  }
}
