import { userHome } from '../shared/config/home.js';
import type { Config } from '../shared/config/load.js';
import type { Logger } from '../shared/logger.js';
import type { Pool } from '../shared/pool.js';
import { ownLabels } from '../shared/workers/labels.js';
import { attachOrStart } from './claim/attach-or-start.js';
import { startClaiming } from './claim/claim-loop.js';
import { createCordon } from './claim/cordon.js';
import { createMirrors } from './claim/mirror.js';
import { createOneByOne } from './claim/one-by-one.js';
import { limitsFrom, startPoolLimits } from './claim/pool-limits.js';
import { prolong } from './claim/prolong.js';
import { createShareTurns } from './claim/share-turns.js';
import { createSlots } from './claim/slots.js';
import { createSpread } from './claim/spread.js';
import { openVitals, startEndpoint } from './endpoint.js';
import { every } from './every.js';
import { executing } from './executing.js';
import { NO_FIGURES } from './figures.js';
import { startHeartbeat } from './heartbeat.js';
import { liveConcurrency } from './host/default-slots.js';
import { checkRoom } from './host/disk-room.js';
import { type DiskWatch, type DiskWatchDeps, startDiskWatch } from './host/disk-watch.js';
import { type HostHealth, startHostHealth } from './host/health.js';
import type { Scrape } from './host/health-endpoint.js';
import { thisMachine } from './host/machine.js';
import { refuseSharedHostName } from './host/one-machine.js';
import { hostProbes } from './host/probes.js';
import type { Verdict } from './host/vitals.js';
import { openWorkerMetrics } from './host/worker-metrics.js';
import { identity } from './identity.js';
import { inheritedEnvironment } from './prepare/inherited.js';
import { knownRunners } from './prepare/known-runners.js';
import { type Offering, startOffering } from './prepare/offering.js';
import { environmentAs, letOthersReach, type UserOf } from './prepare/run-as.js';
import { startFollowing } from './process/descendants.js';
import { createContact } from './recover/contact.js';
import { watchOrphans } from './recover/orphan-watch.js';
import { createRecentEnds } from './recover/recent-ends.js';
import { watchRegister } from './recover/register-watch.js';
import { keptSweep, startSweeping, sweepOwners, sweepRecords } from './recover/sweep.js';
import { createSweepPlace } from './recover/sweep-place.js';
import { openTakeOver } from './recover/take-over.js';
import { endLeftovers, endLost, openTidyEnded } from './recover/tidy.js';
import { createOwnedRuns, type OwnedRuns } from './run/owned-run.js';
import { look, reconcileAll } from './run/reconcile-all.js';
import { tellLost } from './run/run-trace.js';
import { hasBegun, spoolOf } from './spool/spool.js';
import { stopWorker } from './stop.js';

export interface StartedWorker {
  readonly id: string;
  readonly host: string;
  readonly runners: readonly string[];
  /** Where it answers /healthz and /readyz; absent without AGENTPOOL_WORKER_HEALTH. */
  readonly healthAt?: string;
  /** Whether it lives and is ready. */
  look(): Promise<Verdict>;
  /** `detach` leaves the programs to the next worker of this host, `drain` waits for their end. Legal twice. */
  stop(how?: 'detach' | 'drain'): Promise<void>;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Starts a worker: it takes over what an earlier one left on this host, then claims. */
export async function startWorker(pool: Pool, env: Env, allowsScrape?: Scrape['allows']): Promise<StartedWorker> {
  const parts = await assemble(pool, env);
  const { id, host, owned, health, heartbeat, disk, mirrors, following, offering, logger } = parts;
  const { workers, config } = pool;
  await enterRegister(parts);
  await parts.lookThroughSpools().catch((error: unknown) => {
    const words = 'the runs of an earlier worker cannot be taken over yet; the next heartbeat tries again';
    logger.warn({ err: error }, words);
  });
  offering.askVersions();
  const unsubscribe = await listen(parts);
  const claiming = await startTaking(parts);
  const sweeping = startRecovery(parts);
  const prolongAll = () => prolong([...owned.leases(), ...mirrors.leases()], logger);
  const leases = every(config.lockMs / 4, prolongAll, { failed: 'the jobs could not be prolonged', logger });
  const look = openVitals(parts, claiming);
  const endpoint = await startEndpoint({ ...parts, look }, allowsScrape);
  const runners = [...offering.installed.keys()];
  logger.info({ runners, slots: parts.slots.capacity(runners) }, 'worker is ready');
  const others = [parts.limits, disk, leases, following, offering, ...(endpoint ? [endpoint] : [])];
  const started = { id, workers, owned, health, heartbeat, claiming, sweeping, mirrors, others, unsubscribe, logger };
  let stopping: Promise<void> | undefined;
  return {
    id,
    host,
    runners,
    look,
    ...(endpoint && { healthAt: endpoint.address }),
    stop: (how = config.stopMode) => {
      stopping ??= stopWorker({ ...started, how });
      return stopping;
    },
  };
}

type Parts = Awaited<ReturnType<typeof assemble>>;

/** What a worker is made of; nothing of it has told anybody of this worker yet. */
async function assemble(pool: Pool, env: Env) {
  const { config, runs, queues, workers } = pool;
  const { host, id, logger, userOf, startedAt, spools, runners } = await identity(pool);
  const home = userHome(env);
  const wanted = knownRunners(pool);
  letOthersReach(spools, config.home, userOf, wanted ?? runners);
  const health = startHealth(spools, config.spoolReserveBytes, startedAt, logger);
  const onSlots = () => {
    heartbeat.slotsChanged();
    disk.kick();
  };
  const concurrency = liveConcurrency(pool, () => offering.installed.keys());
  const slots = createSlots(concurrency, onSlots, (runner) => pool.runners.get(runner)?.atOnce);
  /** Set as soon as this worker claims. */
  const claims = { wake: () => {} };
  const owned = createOwnedRuns(slots, (run) => {
    limits.release(run);
    claims.wake();
  });
  const { heartbeatMs } = config;
  const keeping = { permits: queues.permits, limits: limitsFrom(config), running: owned.all, heartbeatMs, logger };
  const limits = startPoolLimits({ ...keeping, onRoom: () => claims.wake() });
  const recentEnds = createRecentEnds(runs.interruptions);
  const disk = await watchDisk(config, owned, { spools, isOver: recentEnds.has, health, logger });
  const hasBegunHere = (runId: string) => hasBegun(spoolOf(spools, runId));
  const mirrors = createMirrors({ runs, hasBegunHere, logger });
  const contact = createContact(config.heartbeatMs);
  const report = { id, host, machine: thisMachine(config.home), startedAt, ...said(config) };
  const offering = offeringOf(pool, { wanted, env, userOf, logger });
  const cordon = createCordon(logger);
  const telling = {
    workers,
    report,
    config,
    offers: offering.offers,
    slots,
    health,
    cordon,
    room: () => disk.room(),
    contact,
    reconcile: () => reconcileAll(owned, logger),
    logger,
  };
  const heartbeat = startHeartbeat(telling);
  const following = startFollowing();
  const metrics = config.workerHealth ? await openWorkerMetrics() : undefined;
  const figures = metrics ?? NO_FIGURES;
  const { installed } = offering;
  const onHost = { figures, host, spools, installed, env, home, userOf, health, disk, following, recentEnds, logger };
  const ours = { runs, id, host, owned, logger, execute: executing(pool, onHost) };
  const tidying = { runs, host, spools, owned, recentEnds, keepLeftovers: config.keepLeftovers, logger };
  const register = watchRegister({ workers, now: workers.now, heartbeatMs });
  const seen = { contact, register, orphans: watchOrphans(runs.indexes, heartbeatMs) };
  const lookThroughSpools = openTakeOver({ ...ours, ...seen, recentEnds, heartbeatMs, queues, spools });
  const recovery = { ...seen, tidying, lookThroughSpools };
  const taking = { slots, limits, claims, cordon, mirrors, hasBegunHere };
  const parts = { report, health, disk, offering, heartbeat, metrics, following };
  return { pool, ...ours, ours, ...parts, ...recovery, ...taking };
}

/** What this worker tells of its settings. */
const said = (config: Config) => ({
  labels: [...new Set([...ownLabels(process), ...config.workerLabels])],
  limits: limitsFrom(config),
});

interface OfferingOf {
  readonly wanted: readonly string[] | undefined;
  readonly env: Env;
  readonly userOf: UserOf;
  readonly logger: Logger;
}

function offeringOf({ runners, config }: Pool, { wanted, env, userOf, logger }: OfferingOf): Offering {
  return startOffering({
    runners: runners.values(),
    wanted,
    env,
    askingOf({ name, inherits }) {
      const user = userOf(name);
      return { env: environmentAs(user, inheritedEnvironment(env, inherits, config.passEnv)), user };
    },
    everyMs: config.lookForRunnersMs,
    logger,
  });
}

/** Tells everybody of this worker; refuses to begin where its host name is another machine's. */
async function enterRegister({ pool, id, report, heartbeat, health, disk, offering, limits }: Parts): Promise<void> {
  const { workers, config } = pool;
  const beat = () => heartbeat.beat();
  await beat();
  try {
    await refuseSharedHostName({ workers, id, machine: report.machine, heartbeatMs: config.heartbeatMs, beat });
  } catch (error) {
    health.stop();
    await Promise.all([heartbeat.stop(), disk.stop(), offering.stop(), limits.stop()]);
    throw error;
  }
}

/** Listens for requests to this worker; returns how to stop that. */
function listen({ pool, id, owned, offering, heartbeat, logger }: Parts): Promise<() => void> {
  return pool.control.onWake(id, (message) => {
    if (message !== 'reload') return look(owned, message, logger);
    offering.look();
    heartbeat.reloaded();
  });
}

/** Claims what this worker has room for. */
async function startTaking(parts: Parts) {
  const { pool, ours, id, host, slots, limits, health, offering, mirrors, hasBegunHere, tidying, logger } = parts;
  const { config, queues } = pool;
  const spread = createSpread();
  const deps = {
    ...ours,
    config,
    queues,
    slots,
    limits,
    mirrors,
    hasBegunHere,
    oneByOne: createOneByOne(),
    shareTurns: createShareTurns(),
    spread,
    endLost: () => endLost(tidying),
  };
  const claiming = await startClaiming({
    queues,
    id,
    host,
    labels: parts.report.labels,
    limits,
    runners: () => [...offering.installed.keys()],
    isHere: offering.isHere,
    isCordoned: parts.cordon.isOn,
    slots,
    health,
    spread,
    lockMs: config.lockMs,
    interruptions: pool.runs.interruptions,
    holds: (runId) => ours.owned.has(runId) || mirrors.has(runId),
    takeOn: (lease) => attachOrStart(deps, lease),
    logger,
  });
  parts.claims.wake = claiming.wake;
  parts.cordon.onChange(claiming.wake);
  offering.onChange(() => {
    claiming.wake();
    parts.heartbeat.soon();
  });
  return claiming;
}

function watchDisk(
  { spoolQuotaBytes: quotaBytes, spoolReserveBytes: reserveBytes }: Config,
  owned: OwnedRuns,
  given: Pick<DiskWatchDeps, 'spools' | 'isOver' | 'health' | 'logger'>,
): Promise<DiskWatch> {
  return startDiskWatch({ ...given, ...owned, quotaBytes, reserveBytes, isBusy: () => owned.all().length > 0 });
}

function startHealth(spools: string, reserveBytes: number, startedAt: number, logger: Logger): HostHealth {
  const begunAt = performance.now();
  return startHostHealth({
    probes: hostProbes(spools, () => checkRoom(spools, reserveBytes)),
    now: () => Math.round(startedAt + performance.now() - begunAt),
    logger,
  });
}

/** Looks for what was left behind: on this host, and in Redis while this worker is the one that does so for the pool. */
function startRecovery(parts: Parts) {
  const { pool, id, tidying, lookThroughSpools, logger } = parts;
  const { runs, queues, workers, config } = pool;
  const of = { ...parts, runs, queues, workers, config, onLost: tellLost(pool) };
  const tidyEnded = openTidyEnded(tidying);
  return startSweeping({
    heartbeatMs: config.heartbeatMs,
    place: createSweepPlace({ workers, id, heartbeatMs: config.heartbeatMs }),
    interruptions: runs.interruptions,
    here: {
      async often() {
        await lookThroughSpools();
        await tidyEnded();
      },
      seldom: () => endLeftovers(tidying),
    },
    pool: {
      owners: () => sweepOwners(of),
      kept: keptSweep({ runs, config, logger, health: () => pool.health() }),
      records: () => sweepRecords(of),
    },
    logger,
  });
}
