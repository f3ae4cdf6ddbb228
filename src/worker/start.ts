import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { privateDirectory, userHome } from '../shared/config/home.js';
import type { DirectKill } from '../shared/control.js';
import type { Logger } from '../shared/logger.js';
import type { Pool } from '../shared/pool.js';
import { attachOrStart } from './claim/attach-or-start.js';
import { startClaiming } from './claim/claim-loop.js';
import { createMirrors } from './claim/mirror.js';
import { createSlots } from './claim/slots.js';
import { every } from './every.js';
import { startHeartbeat } from './heartbeat.js';
import { checkRoom } from './host/disk-room.js';
import { type DiskWatch, startDiskWatch } from './host/disk-watch.js';
import { type HostHealth, startHostHealth } from './host/health.js';
import { thisMachine } from './host/machine.js';
import { refuseSharedHostName } from './host/one-machine.js';
import { hostProbes } from './host/probes.js';
import { inheritedEnvironment } from './prepare/inherited.js';
import { createOffers, type Installed, installedRunners } from './prepare/installed.js';
import { knownRunners } from './prepare/known-runners.js';
import { planFor } from './prepare/plan-run.js';
import { type Following, startFollowing } from './process/descendants.js';
import { createContact } from './recover/contact.js';
import { type SweepDeps, startSweeping, sweepOwners, sweepRecords } from './recover/sweep.js';
import { takeOver } from './recover/take-over.js';
import { endLeftovers, endLost, KEEP_ENDED_MS, type TidyDeps, tidyEnded } from './recover/tidy.js';
import { type Beginning, execute } from './run/execute.js';
import { createOwnedRuns, type OwnedRun, type OwnedRuns } from './run/owned-run.js';
import { watchOver } from './run/watch-over.js';
import { hasBegun, spoolOf, spoolRoot } from './spool/spool.js';

export interface StartedWorker {
  readonly id: string;
  readonly host: string;
  readonly runners: readonly string[];
  /** `detach` leaves the programs to the next worker of this host, `drain` waits for their end. Legal twice. */
  stop(how?: 'detach' | 'drain'): Promise<void>;
}

type Env = Readonly<Record<string, string | undefined>>;

/** A worker that stops waits so long (ms) for programs that are just being started. */
const PLACED_WITHIN_MS = 5_000;

/** Starts a worker: it takes over what an earlier one left on this host, then claims. */
export async function startWorker(pool: Pool, env: Env): Promise<StartedWorker> {
  const { config, runs, queues, workers } = pool;
  const host = config.hostName;
  const id = `${host}-${randomBytes(4).toString('hex')}`;
  const logger = pool.logger.child({ worker: id });
  const home = userHome(env);
  const installed = installedRunners(pool.runners.values(), knownRunners(pool), env);
  const runners = [...installed.keys()];
  const startedAt = await runs.now();
  const spools = privateDirectory(spoolRoot(config.home, await runs.poolId(), host), config.home);
  const health = startHealth(spools, config.spoolReserveBytes, startedAt, logger);
  const slots = createSlots(
    config.concurrency,
    () => {
      heartbeat.soon();
      disk.kick();
    },
    (runner) => pool.runners.get(runner)?.atOnce,
  );
  let wake = () => {};
  const owned = createOwnedRuns(slots, () => wake());
  const disk = await startDiskWatch({
    spools,
    quotaBytes: config.spoolQuotaBytes,
    reserveBytes: config.spoolReserveBytes,
    health,
    supervised: owned.supervised,
    logger,
  });
  const hasBegunHere = (runId: string) => hasBegun(spoolOf(spools, runId));
  const mirrors = createMirrors({ runs, hasBegunHere, logger });
  const contact = createContact(config.heartbeatMs);
  const machine = thisMachine(config.home);
  const { offers, askVersions } = createOffers(installed, ({ inherits }) =>
    inheritedEnvironment(env, inherits, config.passEnv),
  );
  const heartbeat = startHeartbeat({
    workers,
    report: { id, host, machine, startedAt },
    config,
    offers,
    slots,
    health,
    contact,
    reconcile: () => reconcileAll(owned, logger),
    logger,
  });
  const following = startFollowing();
  const run = executing(pool, { host, spools, installed, env, home, health, disk, following, logger });
  const ours = { runs, id, host, owned, logger, execute: run };
  const tidying = { runs, host, spools, owned, keepLeftovers: config.keepLeftovers, logger };
  const lookThroughSpools = () => takeOver({ ...ours, workers, queues, spools, contact });

  await heartbeat.beat();
  const { beat } = heartbeat;
  await refuseSharedHostName({ workers, id, machine, heartbeatMs: config.heartbeatMs, beat }).catch(async (error) => {
    health.stop();
    await Promise.all([heartbeat.stop(), disk.stop()]);
    throw error;
  });
  await lookThroughSpools().catch((error: unknown) =>
    logger.warn(
      { err: error },
      'the runs of an earlier worker cannot be taken over yet; the next heartbeat tries again',
    ),
  );
  void askVersions(); // not before: starting ten programs takes a while
  const unsubscribe = await pool.control.onWake(id, (direct) => look(owned, direct, logger));
  const claiming = await startClaiming({
    queues,
    id,
    host,
    runners,
    slots,
    health,
    takeOn: (lease) =>
      attachOrStart({ ...ours, config, queues, slots, mirrors, hasBegunHere, endLost: () => endLost(tidying) }, lease),
    logger,
  });
  wake = claiming.wake;
  const sweeping = startRecovery(
    { runs, queues, workers, id, host, config, contact, logger },
    tidying,
    async () => void (await lookThroughSpools()),
  );
  const leases = every(config.lockMs / 4, logger, () => prolong([...owned.leases(), ...mirrors.leases()], logger));
  logger.info({ runners, slots: config.concurrency }, 'worker is ready');

  const others = [disk, leases, following];
  const parts = { id, workers, owned, health, heartbeat, claiming, sweeping, mirrors, others, unsubscribe, logger };
  let stopping: Promise<void> | undefined;
  return {
    id,
    host,
    runners,
    stop: (how = config.stopMode) => {
      stopping ??= stopWorker({ ...parts, how });
      return stopping;
    },
  };
}

interface Stopping {
  readonly how: 'detach' | 'drain';
  readonly id: string;
  readonly workers: Pool['workers'];
  readonly owned: OwnedRuns;
  readonly health: HostHealth;
  readonly heartbeat: ReturnType<typeof startHeartbeat>;
  readonly claiming: Stoppable;
  readonly sweeping: Stoppable;
  readonly mirrors: { stop(): void };
  /** What works by itself until the end. */
  readonly others: readonly Stoppable[];
  readonly unsubscribe: () => void;
  readonly logger: Logger;
}

interface Stoppable {
  stop(): Promise<void>;
}

/** Stops in this order: nothing new, then what is being started, then what runs, and the heartbeat last. */
async function stopWorker(parts: Stopping): Promise<void> {
  const { how, id, workers, owned, health, heartbeat, claiming, sweeping, mirrors, others, unsubscribe, logger } =
    parts;
  await heartbeat.enter('stopping');
  const impatient = setTimeout(() => letGoOf(owned, 'claiming'), PLACED_WITHIN_MS); // Redis may be away
  await claiming.stop();
  health.stop();
  await Promise.race([Promise.all(owned.all().map(({ placed }) => placed)), pause(PLACED_WITHIN_MS)]);
  if (how === 'drain') await drained(owned, logger);
  await sweeping.stop();
  clearTimeout(impatient);
  await Promise.all([heartbeat, ...others].map((one) => one.stop()));
  unsubscribe();
  const handedOver = letGoOf(owned);
  mirrors.stop();
  // Whoever left programs behind stays in the register until another worker has them.
  await (handedOver > 0 ? heartbeat.enter('left') : workers.leave(id));
}

function startHealth(spools: string, reserveBytes: number, startedAt: number, logger: Logger): HostHealth {
  const begunAt = performance.now();
  return startHostHealth({
    probes: hostProbes(spools, () => checkRoom(spools, reserveBytes)),
    now: () => Math.round(startedAt + performance.now() - begunAt),
    logger,
  });
}

/** Looks for what was left behind: in Redis at the start and every five minutes, on this host with every heartbeat. */
function startRecovery(sweep: SweepDeps, tidying: TidyDeps, lookThroughSpools: () => Promise<void>) {
  return startSweeping({
    heartbeatMs: sweep.config.heartbeatMs,
    async everything() {
      await sweepRecords(sweep);
      await endLeftovers(tidying);
    },
    async owners() {
      await lookThroughSpools();
      await tidyEnded(tidying, KEEP_ENDED_MS);
      await sweepOwners(sweep);
    },
    logger: sweep.logger,
  });
}

interface Executing {
  readonly host: string;
  readonly spools: string;
  readonly installed: Installed;
  readonly env: Env;
  readonly home: string;
  readonly health: HostHealth;
  readonly disk: DiskWatch;
  readonly following: Following;
  readonly logger: Logger;
}

/** All that is done for a run of ours, bound to this worker. */
function executing({ config, runs, queues, runners }: Pool, given: Executing) {
  const { host, spools, installed, env, home, health, disk, following, logger } = given;
  const plan = { sessions: runs.sessions, runners, installed, env, home, spools, config };
  const watch = {
    runs,
    runners,
    host,
    following,
    keepLeftovers: config.keepLeftovers,
    afterResultGraceMs: config.afterResultGraceMs,
    mostOutputKept: config.maxOutputBytes,
    disk,
    logger,
  };
  const deps = {
    start: { runs, plan: planFor.bind(undefined, plan), spools, config, logger },
    watch: watchOver.bind(undefined, watch),
    giveBack: { runs, queues, health, host, spools, logger },
    logger,
  };
  return (owned: OwnedRun, first: Beginning) => execute(deps, owned, first);
}

/** Somebody asks for something: it is in the records, or, where Redis takes no writes, in the notification. */
function look(owned: OwnedRuns, direct: DirectKill | undefined, logger: Logger): void {
  if (direct) owned.get(direct.runId)?.supervision?.kill(direct);
  void reconcileAll(owned, logger);
}

/** Looks at what the records say of the runs whose programs we watch; what cannot be read is read with the next heartbeat. */
async function reconcileAll(owned: OwnedRuns, logger: Logger): Promise<void> {
  for (const looked of await Promise.allSettled(owned.all().map(({ supervision }) => supervision?.reconcile())))
    if (looked.status === 'rejected')
      logger.warn({ err: looked.reason }, 'a record could not be read; the next heartbeat looks again');
}

/** Keeps the jobs that we hold; one that cannot be prolonged now is not in the way of the others. */
async function prolong(
  leases: readonly { runId: string; extend(): Promise<boolean> }[],
  logger: Logger,
): Promise<void> {
  await Promise.all(
    leases.map(async (lease) => {
      const held = await lease.extend().catch(() => false);
      if (!held) logger.debug({ runId: lease.runId }, 'the job has another holder');
    }),
  );
}

/** Lets go of all runs, or of those in a phase; answers how many. */
function letGoOf(owned: OwnedRuns, phase?: OwnedRun['phase']): number {
  const all = owned.all().filter((one) => phase === undefined || one.phase === phase);
  for (const one of all) one.letGo();
  return all.length;
}

/** Resolves when no run is left; a further attempt of one counts as the same. */
async function drained(owned: OwnedRuns, logger: Logger): Promise<void> {
  logger.info({ running: owned.all().length }, 'waiting for the end of what runs');
  while (owned.all().length > 0) await Promise.all(owned.all().map(({ over }) => over));
}
