import type { Config } from '../../shared/config/load.js';
import type { Logger } from '../../shared/logger.js';
import type { Queues } from '../../shared/queues/queues.js';
import type { RedisHealth } from '../../shared/redis/check.js';
import type { Run } from '../../shared/run.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import { SILENT_BEATS } from '../../shared/workers/beating.js';
import type { Workers } from '../../shared/workers/workers.js';
import { placeRecorded } from '../claim/place-recorded.js';
import { every } from '../every.js';
import { allRuns } from './all-runs.js';
import type { Contact } from './contact.js';
import type { OrphanWatch } from './orphan-watch.js';
import type { RegisterWatch } from './register-watch.js';
import type { SweepPlace } from './sweep-place.js';
import { isDead } from './take-over.js';

/** A run that was created and not placed is placed by the sweep when it is older than this (ms). */
const PLACED_WITHIN_MS = 60_000;
const SWEEP_EVERY_MS = 5 * 60_000;
const KEPT_EVERY_MS = 60_000;
/**
 * So soon (ms) after a lost connection all records are looked at: a failover may have forgotten that a run was placed, which
 * counts when the run is older than that, or which index it is in, by which a principal's runs are counted.
 */
const AFTER_LOSS_MS = PLACED_WITHIN_MS + 1_000;

export interface SweepDeps {
  readonly runs: RunStore;
  readonly queues: Pick<Queues, 'has' | 'placeAnew' | 'remove' | 'clean'>;
  readonly workers: Pick<Workers, 'leave'>;
  /** The register, as this worker sees it. */
  readonly register: RegisterWatch;
  readonly orphans: OrphanWatch;
  /** This worker. */
  readonly id: string;
  readonly host: string;
  readonly config: Pick<Config, 'heartbeatMs' | 'lostAfterMs' | 'recordRetentionMs'>;
  readonly contact: Contact;
  /** Called with a run that was given up, as it is then recorded; absent without a listener. */
  readonly onLost?: ((run: Run) => void) | undefined;
  readonly logger: Logger;
}

/** Owners gone silent: their runs are `orphaned`, and after `lostAfterMs` `failed`. Cheap while everybody lives. */
export async function sweepOwners(deps: SweepDeps): Promise<void> {
  const { runs, workers, id, host, config, orphans } = deps;
  const isAnySilent = await deps.register.isAnySilent(); // each time: a look tells who has been heard since the one before
  if (isAnySilent) orphans.expect();
  if (!deps.contact.isSteady()) return;
  const hasOrphans = await orphans.any();
  if (!isAnySilent && !hasOrphans) return;
  const register = await deps.register.list();
  const gone = register.filter((worker) => worker.id !== id && isDead(worker, host));
  const silentFor = new Map(gone.map((worker) => [worker.id, worker.silentMs]));
  if (gone.length === 0 && !hasOrphans) return;
  const known = new Set(register.map((worker) => worker.id));
  const now = await runs.now();
  const withRuns = new Set<string | undefined>();
  for (const state of gone.length === 0 ? (['orphaned'] as const) : (['running', 'orphaned'] as const))
    for await (const run of allRuns(runs, { state })) {
      const silentMs = silentFor.get(run.worker ?? '');
      // It left the register while the index lagged behind.
      const isForgotten = state === 'orphaned' && !known.has(run.worker ?? '');
      if (silentMs === undefined && !isForgotten) continue;
      withRuns.add(run.worker);
      await judge(deps, run, silentMs ?? now - (run.orphanedAt ?? now));
    }
  for (const worker of gone)
    if (!withRuns.has(worker.id) && worker.silentMs > SILENT_BEATS * config.heartbeatMs) await workers.leave(worker.id);
}

/** A run whose owner has been silent for a time (ms). */
async function judge({ runs, queues, config, onLost, logger }: SweepDeps, run: Run, silentMs: number): Promise<void> {
  if (silentMs > config.lostAfterMs) {
    const message = `its worker on ${run.host} has been silent for ${Math.round(silentMs / 1000)} s`;
    const { changed } = await runs.end(run.id, run.epoch, { state: 'failed', failure: { kind: 'lost', message } });
    await queues.remove(run.id, run.queue);
    const lost = onLost && changed ? await runs.get(run.id) : undefined;
    if (lost) onLost?.(lost);
    logger.warn({ runId: run.id, host: run.host }, 'given up: its worker did not come back');
  } else if (run.state === 'running' && silentMs >= SILENT_BEATS * config.heartbeatMs) {
    await runs.orphan(run);
    logger.warn({ runId: run.id, host: run.host }, 'its worker is silent');
  }
}

/** Everything that a crash at the wrong moment may have left in Redis: unplaced runs, stale indexes, old jobs. */
export async function sweepRecords(deps: SweepDeps): Promise<void> {
  const { runs, queues, config } = deps;
  const now = await runs.now();
  const written = now - PLACED_WITHIN_MS; // what is younger may be in an index, and have no record yet
  await placeUnplaced(deps, written);
  const isGone = async (id: string) => (await runs.get(id)) === undefined;
  await runs.putIndexesRight();
  await runs.indexes.forgetGone(now - config.recordRetentionMs, isGone);
  await orphanUnknown(deps);
  await queues.clean();
}

export interface KeptSweepDeps {
  readonly runs: Pick<RunStore, 'letGoOverCap'>;
  readonly config: Pick<Config, 'maxKeptBytes'>;
  readonly health: () => Promise<Pick<RedisHealth, 'maxMemoryBytes'>>;
  readonly logger: Logger;
}

/**
 * Output is kept as long as there is room for it: no more than is allowed, and than half of what Redis may use. What Redis
 * may use counts as the larger of two looks in a row: a limit that is lowered for a moment costs nobody's output.
 */
export function keptSweep({ runs, config, health, logger }: KeptSweepDeps): () => Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  return async () => {
    const { maxMemoryBytes: now = Number.POSITIVE_INFINITY } = await health();
    const mostBytes = Math.min(config.maxKeptBytes, Math.max(before, now) / 2);
    before = now;
    const count = await runs.letGoOverCap(mostBytes);
    if (count > 0)
      logger.info({ runs: count, mostBytes }, 'output of ended runs was removed: AGENTPOOL_MAX_KEPT_BYTES');
  };
}

/** Runs that were written and whose submitter died before their job was placed. */
async function placeUnplaced(deps: SweepDeps, before: number): Promise<void> {
  const { runs } = deps;
  for await (const id of runs.indexes.oldestFirst('queued', before)) {
    const run = await inState(deps, id, 'queued');
    if (!run) await runs.indexes.forget([id]);
    if (run?.state === 'queued' && run.queuedAt < before) await placeRecorded(deps, run);
  }
}

/** Runs of workers that are not in the register any more. */
async function orphanUnknown(deps: SweepDeps): Promise<void> {
  const register = new Set((await deps.register.list()).map((worker) => worker.id));
  for (const state of ['running', 'orphaned'] as const)
    for await (const id of deps.runs.indexes.oldestFirst(state)) {
      const run = await inState(deps, id, state);
      if (run?.state === 'running' && state === 'running' && !register.has(run.worker ?? ''))
        await deps.runs.orphan(run);
    }
}

/** The record of a run that an index has under a state; the index is put right where the record has another. */
async function inState({ runs }: SweepDeps, id: string, state: Run['state']): Promise<Run | undefined> {
  const run = await runs.get(id);
  if (run && run.state !== state) await runs.reindex(id);
  return run;
}

export interface SweepingDeps {
  readonly heartbeatMs: number;
  readonly place: SweepPlace;
  /** How often the connection to Redis was lost. */
  readonly interruptions: () => number;
  /** What each worker does for its own host. */
  readonly here: {
    /** With every heartbeat. */
    readonly often: () => Promise<void>;
    /** At the start and every five minutes. */
    readonly seldom: () => Promise<void>;
  };
  /** What one worker does for the pool: when it gets the place, and then as often as its name says. */
  readonly pool: {
    /** With every heartbeat. */
    readonly owners: () => Promise<void>;
    /** Every minute. */
    readonly kept: () => Promise<void>;
    /** Every five minutes, and a minute after the connection was lost. */
    readonly records: () => Promise<void>;
  };
  readonly logger: Logger;
}

/** Sweeps for this host, and for the pool while this worker has the place to do so. */
export function startSweeping(deps: SweepingDeps): { stop(): Promise<void> } {
  const { heartbeatMs, place, interruptions, here, pool, logger } = deps;
  const options = { failed: 'a sweep was cut short', logger, atOnce: true };
  const whileOurs = (periodMs: number, action: () => Promise<void>, afterLossMs = Number.POSITIVE_INFINITY) => {
    let due = 0; // by our own time (ms)
    let losses = interruptions();
    return every(
      heartbeatMs,
      async () => {
        if (interruptions() !== losses) due = Math.min(due, performance.now() + afterLossMs);
        losses = interruptions();
        if (!place.isOurs() || performance.now() < due) return;
        due = performance.now() + periodMs;
        await action();
      },
      options,
    );
  };
  const loops = [every(heartbeatMs, here.often, options), every(SWEEP_EVERY_MS, here.seldom, options)];
  const begun = (async () => {
    await place.keep().catch(() => {}); // the loop tells, which tries again
    loops.push(
      every(heartbeatMs, place.keep, { ...options, atOnce: false }),
      whileOurs(0, pool.owners),
      whileOurs(KEPT_EVERY_MS, pool.kept),
      whileOurs(SWEEP_EVERY_MS, pool.records, AFTER_LOSS_MS),
    );
  })();
  return {
    async stop() {
      await begun;
      await Promise.all(loops.map((loop) => loop.stop()));
      await place.leave().catch(() => {}); // then the others wait three heartbeats for it
    },
  };
}
