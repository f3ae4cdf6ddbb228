import { codeOf, messageOf } from '../../shared/errors.js';
import type { Lease } from '../../shared/queues/leases.js';
import type { Failure } from '../../shared/run.js';
import type { Ending, Ownership } from '../../shared/run-store/ownership.js';
import type { WorkerDeps } from '../deps.js';
import { failure } from '../prepare/plan-run.js';

/** Ends a run whose program cannot be started. */
export async function refuse(deps: WorkerDeps, own: Ownership, lease: Lease | undefined, why: Failure): Promise<void> {
  deps.logger.warn({ runId: own.id, failure: why.kind }, 'the run cannot be started');
  await endUnstarted(deps, own, lease, { state: 'failed', failure: why });
}

/** Ends a run that has no program, and its job. */
export async function endUnstarted(
  { pool }: WorkerDeps,
  own: Ownership,
  lease: Lease | undefined,
  ending: Ending,
): Promise<void> {
  const { changed } = await pool.runs.end(own.id, own.epoch, ending);
  if (changed) await lease?.finish({ state: ending.state, ...(ending.failure && { message: ending.failure.message }) });
}

/** Why the kernel did not start a program. */
export function launchFailure(error: unknown): Failure {
  if (codeOf(error) === 'E2BIG')
    return failure(
      'invalid_request',
      'the prompt is too long for an argument of a program; let the runner take it by stdin',
    );
  const kind = codeOf(error) === 'EINVAL' ? 'invalid_request' : 'not_executable';
  return failure(kind, `the program cannot be started: ${messageOf(error)}`);
}
