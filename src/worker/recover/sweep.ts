import { setTimeout as pause } from 'node:timers/promises';
import { SILENT_BEATS } from '../../shared/workers.js';
import type { WorkerDeps } from '../deps.js';
import { isDead, takeOver } from './take-over.js';
import { endLeftovers, KEEP_ENDED_MS, tidyEnded } from './tidy.js';

/** A run that was created and not placed is placed by the sweep when it is older than this (ms). */
const PLACED_WITHIN_MS = 60_000;
const SWEEP_EVERY_MS = 5 * 60_000;

/** Owners gone silent: their runs are `orphaned`, and after `lostAfterMs` `failed`. Cheap while everybody lives. */
async function sweepOwners(deps: WorkerDeps): Promise<void> {
  const { pool, host, logger } = deps;
  if (!deps.contact.isSteady()) return;
  const workers = await pool.workers.list();
  const gone = workers.filter((worker) => worker.id !== deps.id && isDead(worker, host));
  const orphaned = await pool.runs.list({ state: 'orphaned' }, 10_000);
  if (gone.length === 0 && orphaned.length === 0) return;
  const now = await pool.runs.now();
  const silentSince = new Map(gone.map(({ id, lastHeartbeatAt }) => [id, lastHeartbeatAt]));
  const known = new Set(workers.map(({ id }) => id));
  const running = gone.length === 0 ? [] : await pool.runs.list({ state: 'running' }, 10_000);
  const runs = [
    ...[...running, ...orphaned].filter(({ worker }) => silentSince.has(worker ?? '')),
    ...orphaned.filter(({ worker }) => !known.has(worker ?? '')), // it left the register while the index lagged behind
  ];
  for (const run of runs) {
    const since = silentSince.get(run.worker ?? '') ?? run.orphanedAt ?? now;
    if (now - since > pool.config.lostAfterMs) {
      const message = `its worker on ${run.host} has been silent for ${Math.round((now - since) / 1000)} s`;
      await pool.runs.end(run.id, run.epoch, { state: 'failed', failure: { kind: 'lost', message } });
      await pool.queues.remove(run.id, run.queue);
      logger.warn({ runId: run.id, host: run.host }, 'given up: its worker did not come back');
    } else if (run.state === 'running' && now - since >= SILENT_BEATS * pool.config.heartbeatMs) {
      await pool.runs.orphan(run);
      logger.warn({ runId: run.id, host: run.host }, 'its worker is silent');
    }
  }
  for (const worker of gone)
    if (
      !runs.some((run) => run.worker === worker.id) &&
      now - worker.lastHeartbeatAt > SILENT_BEATS * pool.config.heartbeatMs
    )
      await pool.workers.leave(worker.id);
}

/** Everything that a crash at the wrong moment may have left: unplaced runs, stale indexes, old jobs, old spools. */
async function sweepAll(deps: WorkerDeps): Promise<void> {
  const { pool } = deps;
  const now = await pool.runs.now();
  for await (const id of pool.runs.indexes.oldestFirst('queued')) {
    const run = await pool.runs.get(id);
    if (run?.state !== 'queued') await (run ? pool.runs.reindex(id) : pool.runs.indexes.forget(id));
    else if (now - run.queuedAt > PLACED_WITHIN_MS && !(await pool.queues.has(id, run.queue))) {
      const request = await pool.runs.request(id);
      if (request) await pool.queues.enqueue(id, run.queue, request);
    }
  }
  for await (const id of pool.runs.indexes.oldestFirst())
    if (!(await pool.runs.get(id))) await pool.runs.indexes.forget(id);
  const isGone = async (id: string) => (await pool.runs.get(id)) === undefined;
  await pool.runs.indexes.forgetGone(now - pool.config.recordRetentionMs, isGone);
  const register = new Set((await pool.workers.list()).map((worker) => worker.id));
  for (const state of ['running', 'orphaned'] as const)
    for await (const id of pool.runs.indexes.oldestFirst(state)) {
      const run = await pool.runs.get(id);
      if (!run || run.state !== state) await (run ? pool.runs.reindex(id) : pool.runs.indexes.forget(id));
      else if (state === 'running' && !register.has(run.worker ?? '')) await pool.runs.orphan(run);
    }
  await pool.queues.clean();
  await endLeftovers(deps);
}

/** Sweeps at once, then every five minutes; owners and spools of dead neighbours are looked at with every heartbeat. */
export function startSweeping(deps: WorkerDeps): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const every = async (periodMs: number, action: () => Promise<unknown>) => {
    while (!signal.aborted) {
      await action().catch((error: unknown) => deps.logger.warn({ err: error }, 'a sweep was cut short'));
      await pause(periodMs, undefined, { signal }).catch(() => {});
    }
  };
  const { heartbeatMs } = deps.pool.config;
  const loops = [
    every(SWEEP_EVERY_MS, () => sweepAll(deps)),
    every(heartbeatMs, async () => {
      await takeOver(deps);
      await tidyEnded(deps, KEEP_ENDED_MS);
      await sweepOwners(deps);
    }),
  ];
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
