import { omitUndefined } from '../shared/omit-undefined.js';
import type { QueueCounts } from '../shared/queues/queues.js';
import type { RedisHealth } from '../shared/redis/check.js';
import type { LivingWorker } from '../shared/workers.js';
import type { Caller } from './caller.js';

/** A worker as callers see it. */
export interface WorkerView extends Omit<LivingWorker, 'pid' | 'processStart' | 'machine' | 'runners' | 'problem'> {
  readonly runners: readonly { readonly name: string; readonly version?: string }[];
  /** Why it takes no runs for now; it tries again by itself. */
  readonly problem?: NonNullable<LivingWorker['problem']> & { readonly sinceIso: string };
  readonly lastHeartbeatAtIso: string;
}

/** Which workers live, how long the queues are, and how Redis does. */
export interface PoolStatus {
  readonly workers: readonly WorkerView[];
  readonly queues: readonly QueueCounts[];
  readonly redis: RedisHealth;
}

/** Tells how the pool does. */
export async function statusOfPool({ pool }: Caller): Promise<PoolStatus> {
  const [workers, queues, redis] = await Promise.all([pool.workers.list(), pool.queues.counts(), pool.health()]);
  return { workers: workers.map(viewOfWorker), queues, redis };
}

function viewOfWorker({
  pid: _,
  processStart: __,
  machine: ___,
  runners,
  problem,
  ...worker
}: LivingWorker): WorkerView {
  return {
    ...worker,
    runners: runners.map(({ name, version }) => ({ name, ...omitUndefined({ version }) })),
    ...(problem && { problem: { ...problem, sinceIso: new Date(problem.since).toISOString() } }),
    lastHeartbeatAtIso: new Date(worker.lastHeartbeatAt).toISOString(),
  };
}
