import { ERRORS, UserError } from '../shared/errors.js';
import { counted } from '../shared/measures.js';
import type { Pool } from '../shared/pool.js';
import { allows } from '../shared/principal.js';
import { partsOf } from '../shared/queues/route.js';
import { KILL_GRACE_MS, type Run } from '../shared/run.js';
import type { RunState } from '../shared/run-state.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import type { Caller } from './caller.js';
import { kill } from './kill.js';

/** What becomes, or became, of the runs of a host that is gone for good. */
export interface RemovedHost {
  readonly host: string;
  /** Runs that waited for it: killed. */
  readonly killed: number;
  /** Runs that it had: failed (lost). */
  readonly lost: number;
}

type Asking = Pick<Caller, 'pool' | 'principal'>;

/** Hosts that have had a worker, and have none that lives. */
export function hostsAway(
  queues: readonly string[],
  workers: readonly Pick<LivingWorker, 'host' | 'alive'>[],
): string[] {
  const all = [...queues.flatMap((queue) => partsOf(queue).host ?? []), ...workers.map(({ host }) => host)];
  const living = new Set(workers.flatMap(({ host, alive }) => (alive ? host : [])));
  return [...new Set(all)].filter((host) => !living.has(host)).sort();
}

/** What would become of its runs. Throws a UserError for a host that lives, or never was. */
export async function lookAtHost(caller: Asking, host: string): Promise<RemovedHost> {
  await check(caller, host);
  const counts = { killed: 0, lost: 0 };
  for await (const run of runsOf(caller.pool, host)) counts[run.state === 'queued' ? 'killed' : 'lost'] += 1;
  return { host, ...counts };
}

/**
 * Removes a host that is gone for good: runs that wait for it are killed, runs that it had are failed (lost), its workers and
 * its queues are forgotten, and no run can be submitted for it until a worker is started there again. Throws a UserError for a
 * host that lives, or never was.
 */
export async function removeHost(caller: Asking, host: string): Promise<RemovedHost> {
  const { pool, principal } = caller;
  const { queues, workers } = await check(caller, host);
  for (const queue of queues) await pool.queues.unlist(queue); // first: from now on nothing more is submitted for it
  const counts = { killed: 0, lost: 0 };
  for await (const run of runsOf(pool, host)) {
    const kind = run.state === 'queued' ? 'killed' : 'lost';
    if (await endOf(caller, run, host)) counts[kind] += 1;
  }
  for (const queue of queues) await pool.queues.removeAll(queue);
  for (const { id } of workers) await pool.workers.leave(id);
  await pool.workers.uncordon(host);
  pool.logger.info({ host, principal: principal.name, ...counts }, 'a host was removed');
  return { host, ...counts };
}

/** What became of its runs, in one line. */
export function removedInWords({ killed, lost }: RemovedHost, will: 'be' | 'were'): string {
  const verb = (count: number) => (will === 'be' ? 'would be' : count === 1 ? 'was' : 'were');
  return [
    `${counted(killed, 'run')} that waited for it ${verb(killed)} killed`,
    `${counted(lost, 'run')} that it had ${verb(lost)} failed (lost)`,
  ].join(', ');
}

async function check({ pool, principal }: Asking, host: string) {
  if (!allows(principal, 'admin'))
    throw new UserError('forbidden', 'removing a host takes the scope admin', ERRORS.forbidden.hint);
  const [names, all] = await Promise.all([pool.queues.names(), pool.workers.list()]);
  const queues = names.filter((name) => partsOf(name).host === host);
  const workers = all.filter((worker) => worker.host === host);
  const alive = workers.find((worker) => worker.alive);
  if (alive)
    throw new UserError('host_alive', `worker ${alive.id} of ${host} is alive`, ERRORS.host_alive.hint, 'host');
  if (queues.length + workers.length > 0) return { queues, workers };
  // A removal that broke off, because Redis was away, has forgotten the queues already.
  for await (const _ of runsOf(pool, host)) return { queues, workers };
  const away = hostsAway(names, all);
  const hint =
    away.length === 0 ? 'All hosts have living workers.' : `Hosts without a living worker: ${away.join(', ')}.`;
  throw new UserError('unknown_host', `there never was a worker on ${JSON.stringify(host)}`, hint, 'host');
}

const NOT_ENDED: readonly RunState[] = ['queued', 'running', 'orphaned'];

/** The runs that wait for a host, or that it had last. */
async function* runsOf({ runs }: Pool, host: string): AsyncGenerator<Run> {
  for (const state of NOT_ENDED) {
    const ids: string[] = []; // all of them first: what is ended leaves the index
    for await (const id of runs.indexes.oldestFirst(state)) ids.push(id);
    for (const id of ids) {
      const run = await runs.get(id);
      if (run?.state !== state) continue;
      if (state === 'queued' ? partsOf(run.queue).host === host : run.host === host) yield run;
    }
  }
}

/** Ends a run of a host that is gone; false when it has ended otherwise meanwhile. */
async function endOf(caller: Asking, run: Run, host: string): Promise<boolean> {
  const reason = `host ${host} was removed from the pool`;
  if (run.state === 'queued')
    return (await kill(caller, { runId: run.id }, { signal: 'TERM', graceMs: KILL_GRACE_MS, reason })).killed;
  const { pool } = caller;
  const ending = { state: 'failed', failure: { kind: 'lost', message: reason } } as const;
  const { changed } = await pool.runs.keep(() => pool.runs.end(run.id, run.epoch, ending));
  await pool.queues.remove(run.id, run.queue);
  return changed;
}
