import { setTimeout as pause } from 'node:timers/promises';
import { UserError } from '../shared/errors.js';
import { didYouMean } from '../shared/nearest.js';
import type { Pool } from '../shared/pool.js';
import { hostQueue } from '../shared/queues/route.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import type { Caller } from './caller.js';

/** A worker is told at once; one that does not say that it heeds it within this time (ms) is silent or older. */
const HEED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 100;

type Asking = Pick<Caller, 'pool' | 'signal'>;

/** What became of the workers that a name stands for. */
export interface Cordoned {
  readonly name: string;
  /** Those that live; none: it holds for the workers that are started there. */
  readonly workers: readonly LivingWorker[];
  /** Those of them that have not said that they heed it: silent, or of an older release. */
  readonly deaf: readonly string[];
}

/**
 * Has a worker, or all workers of a host, take no new runs; what runs goes on. It is kept, so workers of the host that are
 * started later take none either. Throws a UserError for a name that is neither.
 */
export async function cordon({ pool }: Asking, name: string): Promise<Cordoned> {
  await checkName(pool, name);
  await pool.workers.cordon(name);
  return tell(pool, name);
}

/** Has a worker, or all workers of a host, take runs again. Throws a UserError for what is not cordoned. */
export async function uncordon({ pool }: Asking, name: string): Promise<Cordoned> {
  const cordoned = Object.keys(await pool.workers.cordoned());
  if (!cordoned.includes(name)) {
    const hint = cordoned.length === 0 ? 'Nothing is cordoned.' : `Cordoned: ${cordoned.join(', ')}.`;
    throw new UserError('invalid_argument', `${JSON.stringify(name)} is not cordoned`, hint, 'worker');
  }
  await pool.workers.uncordon(name);
  return tell(pool, name);
}

/** What became of a drain. */
export interface Drained extends Cordoned {
  /** Runs that its living workers still have. */
  readonly running: number;
  readonly timedOut: boolean;
}

/** Cordons, and waits until the living workers that are meant have no run any more. Ends no run. */
export async function drain(
  caller: Asking & Pick<Caller, 'progress'>,
  name: string,
  timeoutMs: number,
): Promise<Drained> {
  const { pool, signal, progress } = caller;
  const begun = performance.now();
  const cordoned = await cordon(caller, name);
  /** Without runs, and told again afterwards: what was being claimed just then would have been counted. */
  const empty = new Map<string, number>();
  for (;;) {
    const workers = await meant(pool, name);
    for (const { id, running, lastHeartbeatAt } of workers) {
      if (running > 0) empty.delete(id);
      else if (!empty.has(id)) {
        empty.set(id, lastHeartbeatAt);
        await pool.control.reload(id);
      }
    }
    const busy = workers.filter(({ id, lastHeartbeatAt }) => (empty.get(id) ?? lastHeartbeatAt) >= lastHeartbeatAt);
    const running = busy.reduce((sum, worker) => sum + worker.running, 0);
    const timedOut = performance.now() - begun >= timeoutMs || signal?.aborted === true;
    if (busy.length === 0 || timedOut) return { ...cordoned, workers, running, timedOut: busy.length > 0 };
    progress?.(`waiting for ${running} runs of ${name} …`);
    await pause(LOOK_EVERY_MS, undefined, { ...(signal && { signal }) }).catch(() => {});
  }
}

/** The living workers that a name stands for. */
async function meant(pool: Pool, name: string): Promise<LivingWorker[]> {
  const living = await pool.workers.living();
  return living.filter(({ id, host, phase }) => (id === name || host === name) && phase !== 'left');
}

/** Tells the workers that are meant, and waits a moment until they say that they heed it. */
async function tell(pool: Pool, name: string): Promise<Cordoned> {
  await Promise.all((await meant(pool, name)).map(({ id }) => pool.control.reload(id)));
  const deadline = performance.now() + HEED_WITHIN_MS;
  for (;;) {
    const workers = await meant(pool, name);
    // Where the other of its two names is cordoned as well, it goes on to heed that.
    const deaf = workers.filter((one) => (one.heedsCordon ?? false) !== (one.cordonedSince !== undefined));
    if (deaf.length === 0 || performance.now() > deadline) return { name, workers, deaf: deaf.map(({ id }) => id) };
    await pause(LOOK_EVERY_MS);
  }
}

/** Throws a UserError for what is neither a worker nor a host that has ever had one. */
async function checkName({ workers, queues }: Pool, name: string): Promise<void> {
  const [known, names] = await Promise.all([workers.list(), queues.names()]);
  if (names.includes(hostQueue(name)) || known.some(({ id, host }) => id === name || host === name)) return;
  const all = [...new Set(known.flatMap(({ id, host }) => [host, id]))];
  const hint = all.length === 0 ? 'No worker is there.' : `Use one of: ${all.join(', ')}.${didYouMean(name, all)}`;
  throw new UserError('unknown_host', `there is no worker and no host ${JSON.stringify(name)}`, hint, 'worker');
}
