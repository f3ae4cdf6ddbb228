import type { Config } from '../shared/config/load.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { QueueCounts } from '../shared/queues/queues.js';
import type { Share } from '../shared/queues/turns.js';
import type { RedisHealth } from '../shared/redis/check.js';
import type { Held } from '../shared/run-store/held-runs.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import type { Caller } from './caller.js';
import { limitsInUse, type RunnerLimitView } from './runner-limits.js';

/** A worker as callers see it. */
export interface WorkerView
  extends Omit<LivingWorker, 'pid' | 'processStart' | 'machine' | 'runners' | 'problem' | 'heedsCordon' | 'limits'> {
  readonly runners: readonly { readonly name: string; readonly version?: string }[];
  /** Why it takes no runs for now; it tries again by itself. */
  readonly problem?: NonNullable<LivingWorker['problem']> & { readonly sinceIso: string };
  readonly cordonedSinceIso?: string;
  readonly lastHeartbeatAtIso: string;
}

/** How long a queue is, and what of it is the caller's own; of others only that they are there. */
export interface QueueView extends QueueCounts {
  readonly yours: Share;
}

/** Which workers live, how long the queues are, and how Redis does. */
export interface PoolStatus {
  readonly workers: readonly WorkerView[];
  readonly queues: readonly QueueView[];
  readonly redis: RedisHealth;
  /** What the caller has, and what it may have. */
  readonly limits: Limits;
}

/** The fair share of one principal; `used` is only told where the whole pool counts together. */
export interface Limits {
  readonly queuedRuns: { readonly used: number; readonly most: number };
  readonly queuedBytes: { readonly used: number; readonly most: number };
  /** `most` 0 means no limit. */
  readonly runningRuns: { readonly used: number; readonly most: number };
  /** Of the runners that the living workers limit for the whole pool; `most` 0 means no limit. */
  readonly runners: readonly RunnerLimitView[];
  readonly openCalls: { readonly most: number };
  readonly listenStreams: { readonly most: number };
  readonly bodyBytes: { readonly most: number };
  readonly requestsPerSecond: { readonly most: number };
}

/** Tells how the pool does. */
export async function statusOfPool({ pool, principal }: Caller): Promise<PoolStatus> {
  const [workers, queues, redis, held] = await Promise.all([
    pool.workers.list(),
    pool.queues.counts(),
    pool.health(),
    pool.runs.heldBy(principal.name),
  ]);
  const runners = await limitsInUse(pool, workers);
  const shares = await Promise.all(queues.map(({ queue }) => pool.queues.shareOf(principal.name, queue)));
  return {
    workers: workers.map(viewOfWorker),
    queues: queues.map((one, at) => ({ ...one, yours: shares[at] ?? { waiting: 0 } })),
    redis,
    limits: { ...limitsOf(pool.config, held), runners },
  };
}

function limitsOf(config: Config, held: Held): Omit<Limits, 'runners'> {
  return {
    queuedRuns: { used: held.queued, most: config.maxQueuedRuns },
    queuedBytes: { used: held.queuedBytes, most: config.maxQueuedBytes },
    runningRuns: { used: held.running, most: config.maxRunningRuns },
    openCalls: { most: config.maxOpenCalls },
    listenStreams: { most: config.maxListenStreams },
    bodyBytes: { most: config.maxBodyBytes },
    requestsPerSecond: { most: config.requestsPerSecond },
  };
}

function viewOfWorker({
  pid: _,
  processStart: __,
  machine: ___,
  heedsCordon: ____,
  limits: _____,
  runners,
  problem,
  ...worker
}: LivingWorker): WorkerView {
  return {
    ...worker,
    runners: runners.map(({ name, version }) => ({ name, ...omitUndefined({ version }) })),
    ...(problem && { problem: { ...problem, sinceIso: new Date(problem.since).toISOString() } }),
    ...(worker.cordonedSince !== undefined && { cordonedSinceIso: new Date(worker.cordonedSince).toISOString() }),
    lastHeartbeatAtIso: new Date(worker.lastHeartbeatAt).toISOString(),
  };
}
