import type { Logger } from '../../shared/logger.js';
import type { Run } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import { endTree } from '../process/end-tree.js';
import { markedAmong, markedRuns } from '../process/processes.js';
import type { OwnedRuns } from '../run/owned-run.js';
import { hasBegun, removeSpool, removeSpoolAside, spooledRuns, spoolOf } from '../spool/spool.js';
import type { RecentEnds } from './recent-ends.js';
import { createUnclaimed, type Unclaimed } from './unclaimed.js';

/**
 * How long a spool stays after the end of its run (ms): a Redis that syncs its file once a second may forget in a crash what was
 * written just before; this is longer, with a margin.
 */
export const KEEP_ENDED_MS = 5_000;
const LEFTOVER_GRACE_MS = 1_000;

/** Ends what is left of a run's processes and removes its files. */
export async function tidy(spools: string, runId: string, logger: Logger): Promise<void> {
  const left = await endTree({ runId, signal: 'TERM', graceMs: LEFTOVER_GRACE_MS });
  if (left.length > 0) logger.error({ runId, left }, 'processes of an ended run cannot be ended');
  removeSpool(spoolOf(spools, runId));
}

export interface TidyDeps {
  readonly runs: Pick<RunStore, 'get' | 'now' | 'settled' | 'keep' | 'interruptions'>;
  readonly host: string;
  readonly spools: string;
  readonly owned: Pick<OwnedRuns, 'has'>;
  readonly recentEnds: Pick<RecentEnds, 'has'>;
  readonly keepLeftovers: boolean;
  readonly logger: Logger;
}

/** What tidies, again and again; see `tidyEnded`. */
export function openTidyEnded(deps: TidyDeps): () => Promise<void> {
  const unclaimed = createUnclaimed();
  return () => tidyEnded(deps, unclaimed);
}

/**
 * Tidies the runs of this host that ended longer ago than `KEEP_ENDED_MS`, and those that have not been this host's for a while:
 * nobody knows them any more, or they were given back before anything was started from their spool. Of runs that ended only
 * when a failover cannot undo it: the spool is what tells the end again.
 */
async function tidyEnded(deps: TidyDeps, unclaimed: Unclaimed): Promise<void> {
  const { runs, spools, owned, recentEnds } = deps;
  const spooled = spooledRuns(spools).filter((runId) => !owned.has(runId) && !recentEnds.has(runId, KEEP_ENDED_MS));
  const before = runs.interruptions();
  // The end of these was recorded by this worker, and Redis was not away since: nobody asks for their records again.
  const ended = spooled.filter((runId) => recentEnds.has(runId));
  const unknown = spooled.filter((runId) => !ended.includes(runId));
  const now = unknown.length === 0 ? 0 : await runs.now();
  const forsaken: string[] = [];
  for (const runId of unknown) {
    const run = await runs.get(runId);
    if (isForsaken(deps, runId, run)) forsaken.push(runId);
    else if (run && isEnded(run.state) && now - (run.endRecordedAt ?? run.endedAt ?? 0) >= KEEP_ENDED_MS)
      ended.push(runId);
  }
  const removable = unclaimed.afterLook(forsaken, before);
  await removeEnded(deps, ended, before);
  for (const runId of removable) await removeForsaken(deps, runId);
}

async function removeForsaken(deps: TidyDeps, runId: string): Promise<void> {
  const { runs, spools, owned, logger } = deps;
  // Throws where the server that answers is no master any more, or has lost the replicas that would confirm it.
  const { run, isForsakenStill } = await runs.keep(async () => {
    const run = await runs.get(runId);
    return { run, isForsakenStill: isForsaken(deps, runId, run) };
  });
  if (!isForsakenStill || owned.has(runId)) return;
  logger.warn({ runId }, 'a spool that belongs to no run of this host is removed');
  if (run) removeSpool(spoolOf(spools, runId));
  else await tidy(spools, runId, logger);
}

/** Whether a spool belongs to no run of this host, as far as Redis knows now: such a look alone ends nothing. */
function isForsaken({ host, spools }: TidyDeps, runId: string, run: Run | undefined): boolean {
  if (!run) return true;
  return !isEnded(run.state) && run.host !== host && !hasBegun(spoolOf(spools, runId));
}

/** `interruptions`: how often the connection had been lost when they were known to have ended. */
async function removeEnded({ runs, spools, logger }: TidyDeps, ended: string[], interruptions: number): Promise<void> {
  const [any] = ended;
  if (any === undefined) return;
  await runs.settled(any); // one question for all of them, as long as they were asked for by one connection
  if (runs.interruptions() !== interruptions) return;
  const marked = markedAmong(ended); // one look at all processes, instead of one for each
  for (const runId of ended)
    if (marked.has(runId)) await tidy(spools, runId, logger);
    else await removeSpoolAside(spoolOf(spools, runId));
}

/**
 * Ends what runs of this pool and host have left behind, found by the mark alone: a process that was out of sight when
 * its run ended, such as one that a worker was just about to end when it died. Of runs that we do not know we know
 * nothing: they may be another pool's.
 */
export async function endLeftovers({ runs, host, owned, keepLeftovers, logger }: TidyDeps): Promise<void> {
  if (keepLeftovers) return;
  const now = await runs.now();
  for (const runId of markedRuns()) {
    if (owned.has(runId)) continue;
    const run = await runs.get(runId);
    if (
      !run ||
      run.host !== host ||
      !isEnded(run.state) ||
      now - (run.endRecordedAt ?? run.endedAt ?? now) < KEEP_ENDED_MS
    )
      continue;
    logger.warn({ runId }, 'ending processes that an ended run has left behind');
    await endTree({ runId, signal: 'TERM', graceMs: LEFTOVER_GRACE_MS });
  }
}

/**
 * Ends the programs of this host whose runs were given up as lost. They may still use a session that is free since, so
 * this is done before the next run resumes one.
 */
export async function endLost({ runs, spools }: Pick<TidyDeps, 'runs' | 'spools'>): Promise<void> {
  for (const runId of spooledRuns(spools)) {
    const run = await runs.get(runId);
    if (run?.failure?.kind === 'lost') await endTree({ runId, signal: 'TERM', graceMs: LEFTOVER_GRACE_MS });
  }
}
