import type { Pool } from '../shared/pool.js';
import type { QueueCounts } from '../shared/queues/queues.js';
import { partsOf, serves } from '../shared/queues/route.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import { takesRuns } from './check-submission.js';
import { limitsInUse, type RunnerLimitView } from './runner-limits.js';

/** What the runs in a queue wait for; `later`: those of them that wait for a time, a session or their principal's turn. */
export const QUEUE_WAITS = ['slot', 'limit', 'no_worker', 'host', 'cordoned', 'later'] as const;
export type QueueWait = (typeof QUEUE_WAITS)[number];

/** How many queued runs wait for what, and how much of its limit each runner has in use. */
export interface WaitingByReason {
  readonly waiting: Readonly<Record<QueueWait, number>>;
  readonly limits: readonly RunnerLimitView[];
}

/** Decides it by queues, so that it costs as much with ten thousand runs as with one. Throws when Redis is unreachable. */
export async function waitingByReason(
  pool: Pool,
  workers: readonly LivingWorker[],
  queues: readonly QueueCounts[],
): Promise<WaitingByReason> {
  const limits = await limitsInUse(pool, workers);
  const waiting = { slot: 0, limit: 0, no_worker: 0, host: 0, cordoned: 0, later: 0 };
  for (const counts of queues) {
    waiting[queueWaitsFor(counts.queue, workers, limits)] += counts.waiting;
    waiting.later += counts.delayed;
  }
  return { waiting, limits };
}

/** Decides what the runs of a queue wait for that wait for nothing of their own. */
export function queueWaitsFor(
  queue: string,
  workers: readonly LivingWorker[],
  limits: readonly RunnerLimitView[],
): Exclude<QueueWait, 'later'> {
  const { host, runner } = partsOf(queue);
  const ready = workers.filter(({ alive, phase }) => alive && phase === 'ready');
  const takers = ready.filter(({ host, labels, runners }) =>
    serves({ host, labels, runners: runners.map(({ name }) => name) }, queue),
  );
  if (takers.some(takesRuns))
    return limits.some((limit) => limit.runner === runner && isReached(limit)) ? 'limit' : 'slot';
  if (takers.some(({ cordonedSince }) => cordonedSince !== undefined)) return 'cordoned';
  const isAway = host !== undefined && !ready.some((worker) => worker.host === host);
  return takers.length > 0 || isAway ? 'host' : 'no_worker';
}

const isReached = ({ atOnce, startsLastMinute }: RunnerLimitView) =>
  [atOnce, startsLastMinute].some(({ used, most }) => most > 0 && used >= most);
