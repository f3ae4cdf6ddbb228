import { RedisRefusedError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import { rideOut } from '../shared/redis/ride-out.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import type { KillRequest, KillSignal, Run } from '../shared/run.js';
import { isEnded, type RunState } from '../shared/run-state.js';
import type { Caller } from './caller.js';
import { findRun, runById, type WhichRun } from './find-run.js';

/** What the owner gets, beyond the grace, to carry out a kill and say so (ms). */
const CARRY_OUT_MS = 5_000;

/** A refusal may have made the connection anew: the owner is told within this time (ms), or not at all. */
const TELL_WITHIN_MS = 2_500;

export interface KillOptions {
  /** What the processes get first; whoever is left after the grace gets KILL. */
  readonly signal: KillSignal;
  /** Between the first signal and KILL (ms). */
  readonly graceMs: number;
  readonly reason?: string | undefined;
}

/** What became of a kill request. */
export interface Killed {
  readonly runId: string;
  readonly killed: boolean;
  readonly status: RunState;
  readonly pid?: number;
  readonly wasRunning: boolean;
  /** The owner cannot be reached; the kill is carried out when it returns. */
  readonly pending?: true;
  /** Redis refused to keep the request: its owner was told directly, and nobody knows it if the owner dies right now. */
  readonly unconfirmed?: true;
  readonly hint?: string;
}

/**
 * Ends a run and every process it has started; a queued one never starts. Waits for the fact, up to the grace and 5 s,
 * or until the caller gives up. Killing what has ended changes nothing. Throws a UserError when there is no such run.
 */
export async function kill(caller: Caller, which: WhichRun, options: KillOptions): Promise<Killed> {
  const { pool, signal: abort } = caller;
  const { signal, graceMs, reason } = options;
  const before = await findRun(caller, which);
  if (isEnded(before.state)) return killedView(before, false);
  const request = { signal, graceMs, ...omitUndefined({ reason }) };
  let state: RunState | undefined;
  let woken: string | undefined;
  try {
    ({ state, worker: woken } = await pool.runs.requestKill(before.id, request));
    if (woken) await pool.control.wake(woken, before.id);
  } catch (error) {
    const hint = await askOwner(pool, before, request, error);
    return { ...killedView(before, true), pending: true, unconfirmed: true, hint };
  }
  if (state === 'queued' && (await killQueued(pool, before))) return killedView(await runById(pool, before.id), false);
  const run = await carryOut(pool, before.id, woken, graceMs, abort);
  if (isEnded(run.state)) return killedView(run, true);
  return {
    ...killedView(run, true),
    pending: true,
    hint: `The worker on ${run.host ?? 'its host'} has not answered yet. The kill request is kept and carried out when it can be; ask for the status to see.`,
  };
}

/**
 * Tells the owner directly where Redis refuses to store the request, being full or read-only; answers what there is to
 * say about it. Throws the refusal when nobody owns the run or listens, and everything else.
 */
async function askOwner(
  pool: Pool,
  { id, worker, host }: Run,
  request: Omit<KillRequest, 'requestedAt'>,
  thrown: unknown,
): Promise<string> {
  const refusal = asUnreachable(thrown);
  if (!(refusal instanceof RedisRefusedError) || worker === undefined) throw thrown;
  const tell = () => pool.control.killDirectly(worker, { runId: id, ...request });
  if (!(await rideOut(tell, performance.now() + TELL_WITHIN_MS))) throw thrown;
  return `${refusal.message}. So the worker on ${host ?? 'its host'} was told directly: it ends the program now, and the run says so when Redis takes writes again. Kill it again then, to be sure. ${refusal.hint}`;
}

/** Nobody owns it, so it is ended here; false when a worker was faster. */
async function killQueued(pool: Pool, run: Run): Promise<boolean> {
  return pool.runs.keep(async () => {
    const { changed } = await pool.runs.end(run.id, undefined, { state: 'killed' });
    if (changed) await pool.queues.remove(run.id, run.queue);
    return changed;
  });
}

/** Wakes the owner, unless that is who was woken, and waits for the fact. Without a living owner it does not wait. */
async function carryOut(
  pool: Pool,
  id: string,
  woken: string | undefined,
  graceMs: number,
  signal: AbortSignal | undefined,
): Promise<Run> {
  const run = await runById(pool, id);
  if (isEnded(run.state) || run.worker === undefined) return run;
  if (run.worker !== woken) await pool.control.wake(run.worker, id);
  await pool.runs.settled(id); // a kill request that was accepted is not lost when Redis crashes
  const kept = await runById(pool, id);
  if (!isEnded(kept.state) && !kept.kill)
    throw new RedisRefusedError('a failover of Redis has forgotten this kill request just now', 'Ask again.');
  const alive = (await pool.workers.living()).some(
    ({ id: worker, phase }) => worker === run.worker && phase !== 'left',
  );
  if (!alive) return run;
  const waiting = { timeoutMs: graceMs + CARRY_OUT_MS, wakesOn: isEnded, ...omitUndefined({ signal }) };
  return (await pool.runs.wait(id, ({ state }) => isEnded(state), waiting)) ?? run;
}

function killedView({ id, state, pid }: Run, wasRunning: boolean): Killed {
  return { runId: id, killed: state === 'killed', status: state, wasRunning, ...omitUndefined({ pid }) };
}
