import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import { partsOf } from '../shared/queues/route.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import type { HostProblem, LivingWorker } from '../shared/workers/workers.js';
import { type WaitingFor, waitingForAll } from './waiting-for.js';

/** What a run waits for, and what the worker of it, or of its host, means for it just now. */
export interface WorkerFacts {
  /** Why a queued run is not started yet, and what helps. */
  readonly waitingFor?: WaitingFor;
  /** Its worker has not been heard of since (ms); the program may go on, and nobody looks after it meanwhile. */
  readonly workerSilentSince?: number;
  readonly workerSilentSinceIso?: string;
  /** It is bound to a host that takes no runs for now: why, and since when. */
  readonly hostProblem?: HostProblem & { readonly sinceIso: string };
}

const iso = (at: number) => new Date(at).toISOString();

/** The facts about one run from the register of workers. A run keeps them while nobody is there to change its record. */
function workerFacts(run: Run, workers: readonly LivingWorker[]): WorkerFacts {
  if (isEnded(run.state)) return {};
  if (run.state === 'queued') {
    const bound = workers.filter(({ host, alive }) => alive && host === partsOf(run.queue).host);
    const [first] = bound;
    if (!first?.problem || bound.some(({ problem }) => !problem)) return {};
    return { hostProblem: { ...first.problem, sinceIso: iso(first.problem.since) } };
  }
  const owner = workers.find(({ id }) => id === run.worker);
  const since = owner ? owner.lastHeartbeatAt : (run.orphanedAt ?? run.lastOutputAt ?? run.claimedAt);
  if ((owner?.alive && owner.phase !== 'left') || since === undefined) return {};
  return { workerSilentSince: since, workerSilentSinceIso: iso(since) };
}

/** Asks the register once, for a view of these runs. */
export async function workerFactsFor(pool: Pool, runs: readonly Run[]): Promise<(run: Run) => WorkerFacts> {
  const workers = runs.every(({ state }) => isEnded(state)) ? [] : await pool.workers.list();
  const waitingFor = await waitingForAll(pool, runs, { workers });
  return (run) => ({ ...omitUndefined({ waitingFor: waitingFor(run) }), ...workerFacts(run, workers) });
}
