import { messageOf } from '../../shared/errors.js';
import type { Lease } from '../../shared/queues/leases.js';
import type { Run } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { Ownership } from '../../shared/run-store/ownership.js';
import type { WorkerDeps } from '../deps.js';
import { hostFaultOf } from '../host/host-fault.js';
import { failure, type LaunchPlan, planFor } from '../prepare/plan-run.js';
import { type Launched, launch, programPid } from '../spool/launch.js';
import {
  createSpool,
  readNumberLine,
  removeInputs,
  type Spool,
  type SpoolMeta,
  spoolOf,
  writeMeta,
} from '../spool/spool.js';
import { type Attempt, tellAttempt } from './attempts.js';
import { attemptAfter, metaFor } from './meta-for.js';
import { endUnstarted, launchFailure, refuse } from './refuse.js';
import { lookForSession } from './session-lookup.js';
import { supervise } from './supervise.js';
import type { SuperviseDeps, Supervision } from './supervision.js';

/**
 * Starts the program of a run that we own and have taken a slot for; what cannot be started ends as `failed`, with the
 * reason, and releases the slot.
 */
export async function startRun(
  deps: WorkerDeps,
  own: Ownership,
  { runner, queue }: Pick<Run, 'runner' | 'queue'>,
  lease: Lease | undefined,
  attempt?: Attempt,
): Promise<Supervision | undefined> {
  const { starting, slots, logger } = deps;
  starting.add(own.id);
  try {
    const supervision = await start(deps, own, queue, lease, attempt);
    if (!supervision) slots.release(runner);
    return supervision;
  } catch (error) {
    logger.error({ runId: own.id, err: error }, 'the run could not be started; it is looked at again');
    slots.release(runner);
    return undefined;
  } finally {
    starting.delete(own.id);
  }
}

async function start(
  deps: WorkerDeps,
  own: Ownership,
  queue: string,
  lease: Lease | undefined,
  attempt: Attempt | undefined,
): Promise<Supervision | undefined> {
  const { pool } = deps;
  const request = await pool.runs.request(own.id);
  const plan = request
    ? await planFor(deps, own.id, request, attempt?.number)
    : { failure: failure('invalid_request', 'its request is gone') };
  if ('failure' in plan || !request) {
    await refuse(deps, own, lease, 'failure' in plan ? plan.failure : failure('lost', 'its request is gone'));
    return undefined;
  }
  const { stdin, files } = plan;
  const meta = metaFor(deps, own, queue, lease, request, plan, attempt);
  let spool: Spool;
  try {
    spool = createSpool(deps.spools, meta, stdin, files);
  } catch (error) {
    deps.health.fault(hostFaultOf(error) ?? 'spool', `its spool cannot be written: ${messageOf(error)}`);
    await refuse(deps, own, lease, failure('spool', `the worker cannot write its spool: ${messageOf(error)}`));
    return undefined;
  }
  if (attempt) await tellAttempt(deps, own, attempt, await pool.runs.get(own.id));
  // Before the prompt is given away: Redis must not be able to forget that it is ours, and we may have been paused.
  await pool.runs.settled(own.id);
  const run = await pool.runs.get(own.id);
  if (run?.epoch !== own.epoch || isEnded(run.state)) return undefined;
  if (run.kill) {
    removeInputs(spool);
    await endUnstarted(deps, own, lease, { state: 'killed' });
    return undefined;
  }
  const { program, args, env, input } = plan;
  let launched: Launched;
  try {
    launched = await launch({ spool, runId: own.id, program, args, env, path: input.path });
  } catch (error) {
    const fault = hostFaultOf(error);
    if (fault) deps.health.fault(fault, `no program can be started: ${messageOf(error)}`);
    removeInputs(spool);
    await refuse(deps, own, lease, launchFailure(error));
    return undefined;
  }
  // From here on the program may run, so whatever goes wrong, it is watched over.
  const { wrapper, wrapperGone } = launched;
  const started: SpoolMeta = { ...meta, ...(wrapper && { wrapper }) };
  const supervision = watchOver(
    deps,
    own,
    lease,
    started,
    { outBytes: run.outBytes, errBytes: run.errBytes },
    wrapperGone,
  );
  afterStart(deps, own, spool, started, plan, supervision).catch((error: unknown) =>
    deps.logger.warn({ runId: own.id, err: error }, 'the start could not be recorded'),
  );
  return supervision;
}

async function afterStart(
  deps: WorkerDeps,
  own: Ownership,
  spool: Spool,
  meta: SpoolMeta,
  plan: LaunchPlan,
  supervision: Supervision,
): Promise<void> {
  const pid = await programPid(spool, meta.wrapper);
  if (pid !== undefined) {
    lookForSession(plan, { runId: own.id, pid, path: meta.path }, supervision, deps.logger.child({ runId: own.id }));
    await deps.pool.runs.started(own, pid, meta.path, !meta.attempt);
  }
  if (readNumberLine(spool.once) === meta.wrapper?.pid) writeMeta(spool, meta); // else another wrapper was faster
}

/** Puts a started run under our eyes; used for our own and for adopted ones. */
export function watchOver(
  deps: WorkerDeps,
  own: Ownership,
  lease: Lease | undefined,
  meta: SpoolMeta,
  from: SuperviseDeps['from'],
  wrapperGone?: Promise<number | undefined>,
): Supervision {
  const { pool, host, supervised, slots, logger } = deps;
  const runner = pool.runners.get(meta.runner);
  if (!runner) throw new Error(`the spool of run ${own.id} names the unknown runner ${meta.runner}`);
  const { path, home, agentName, principal } = meta;
  const where = { host, path, home };
  const spool = spoolOf(deps.spools, own.id, meta.attempt?.number);
  const supervision = supervise(
    {
      runs: pool.runs,
      runner,
      own,
      spool,
      meta,
      from,
      ...(wrapperGone && { wrapperGone }),
      keepLeftovers: pool.config.keepLeftovers,
      lostOutput: () => deps.disk.lostOutput(own.id, spool),
      rememberSession: (id) =>
        pool.runs.sessions.remember({
          id,
          runner: runner.name,
          agentName,
          runId: own.id,
          ...where,
          ...(principal !== undefined && { principal }),
        }),
      tellAgain: async (run: Run) => {
        if (meta.attempt) await tellAttempt(deps, own, meta.attempt, run);
        const pid = readNumberLine(spool.pid);
        if (pid !== undefined && pid !== run.pid) await pool.runs.started(own, pid, path, !meta.attempt);
      },
      logger: logger.child({ runId: own.id, runner: runner.name }),
    },
    lease,
  );
  supervised.set(own.id, supervision);
  void supervision.over.then(async (refusal) => {
    const next = refusal && startRun(deps, own, meta, supervision.lease, attemptAfter(spool, meta, refusal));
    supervised.delete(own.id);
    if (await next) return;
    if (supervision.lease) deps.leases.delete(supervision.lease);
    if (!next) slots.release(runner.name);
    deps.onRoom();
  });
  if (meta.sessionId !== undefined) supervision.sessionKnown(meta.sessionId);
  void supervision.reconcile().catch(() => {});
  return supervision;
}
