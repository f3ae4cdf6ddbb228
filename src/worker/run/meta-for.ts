import { statSync } from 'node:fs';
import { attemptsOf } from '../../shared/agents/fallbacks.js';
import type { Lease } from '../../shared/queues/leases.js';
import type { Failure, RunRequest } from '../../shared/run.js';
import type { Ownership } from '../../shared/run-store/ownership.js';
import type { WorkerDeps } from '../deps.js';
import type { LaunchPlan } from '../prepare/plan-run.js';
import { bootId, uptimeMs } from '../process/processes.js';
import type { Spool, SpoolMeta } from '../spool/spool.js';
import type { Attempt } from './attempts.js';

/** What the next worker has to know of a program that is about to be started. */
export function metaFor(
  deps: WorkerDeps,
  own: Ownership,
  queue: string,
  lease: Lease | undefined,
  request: RunRequest,
  { runner, input, home }: LaunchPlan,
  attempt: Attempt | undefined,
): SpoolMeta {
  const { config } = deps.pool;
  const attempts = attemptsOf(request.setup?.fallbacks);
  return {
    runId: own.id,
    runner: runner.name,
    agentName: request.agentName,
    ...(request.principal !== undefined && { principal: request.principal }),
    queue,
    leaseToken: lease?.token ?? '',
    bootId: bootId(),
    path: input.path,
    home,
    timeoutMs: request.timeoutMs ?? config.runTimeoutMs,
    silenceTimeoutMs: request.silenceTimeoutMs ?? config.silenceTimeoutMs,
    ...(attempts > 1 && { attempts }),
    ...(attempt && { attempt }),
    // After a restart of the machine its clock begins anew.
    startedUptimeMs: Math.min(attempt?.startedUptimeMs ?? Number.POSITIVE_INFINITY, uptimeMs()),
    ...(input.sessionId !== undefined && { sessionId: input.sessionId }),
  };
}

/** The try after the one of a spool: its output goes on where that of all before has ended. */
export function attemptAfter(
  { stdout, stderr }: Spool,
  { attempt, startedUptimeMs }: SpoolMeta,
  because: Failure,
): Attempt {
  const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const from = { out: sizeOf(stdout), err: sizeOf(stderr) };
  return { number: (attempt?.number ?? 1) + 1, from, startedUptimeMs, because };
}
