import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { privateDirectory } from '../shared/config/home.js';
import type { Pool } from '../shared/pool.js';
import { VERSION } from '../shared/version.js';
import type { WorkerReport } from '../shared/workers.js';
import { startClaiming } from './claim/claim-loop.js';
import { createSlots } from './claim/slots.js';
import type { WorkerDeps } from './deps.js';
import { every } from './every.js';
import { checkRoom } from './host/disk-room.js';
import { startDiskWatch } from './host/disk-watch.js';
import { startHostHealth } from './host/health.js';
import { thisMachine } from './host/machine.js';
import { refuseSharedHostName } from './host/one-machine.js';
import { hostProbes } from './host/probes.js';
import { withRealPaths } from './prepare/allowed-path.js';
import { baseEnvironment } from './prepare/environment.js';
import { createOffers, installedRunners } from './prepare/installed.js';
import { knownRunners } from './prepare/known-runners.js';
import { identify } from './process/processes.js';
import { createContact } from './recover/contact.js';
import { startSweeping } from './recover/sweep.js';
import { takeOver } from './recover/take-over.js';
import { spoolRoot } from './spool/spool.js';

export interface StartedWorker {
  readonly id: string;
  readonly host: string;
  readonly runners: readonly string[];
  /** `detach` leaves the programs to the next worker of this host, `drain` waits for their end. Legal twice. */
  stop(how?: 'detach' | 'drain'): Promise<void>;
}

/** Changes of the slots within this time (ms) make one heartbeat. */
const BEAT_SOON_MS = 10;

/** Starts a worker: it takes over what an earlier one left on this host, then claims. */
export async function startWorker(
  pool: Pool,
  env: Readonly<Record<string, string | undefined>>,
): Promise<StartedWorker> {
  const { config } = pool;
  const host = config.hostName;
  const id = `${host}-${randomBytes(4).toString('hex')}`;
  const logger = pool.logger.child({ worker: id });
  const installed = installedRunners(pool.runners.values(), knownRunners(pool), env);
  let wake = () => {};
  let beatSoon: NodeJS.Timeout | undefined;
  const startedAt = await pool.runs.now();
  const begunAt = performance.now();
  const spools = privateDirectory(spoolRoot(config.home, await pool.runs.poolId(), host), config.home);
  const health = startHostHealth({
    probes: hostProbes(spools, () => checkRoom(spools, config.spoolReserveBytes)),
    now: () => Math.round(startedAt + performance.now() - begunAt),
    logger,
  });
  // Who submits a run looks at the heartbeats for a free worker, so they must not lag behind by seconds.
  const changed = () => {
    beatSoon ??= setTimeout(() => {
      beatSoon = undefined;
      if (phase === 'ready') beat().catch(() => {});
    }, BEAT_SOON_MS);
  };
  const supervised: WorkerDeps['supervised'] = new Map();
  const { spoolQuotaBytes: quotaBytes, spoolReserveBytes: reserveBytes } = config;
  const disk = await startDiskWatch({ spools, quotaBytes, reserveBytes, health, supervised, logger });
  const slots = createSlots(
    config.concurrency,
    () => {
      changed();
      disk.kick();
    },
    (runner) => pool.runners.get(runner)?.atOnce,
  );
  const deps: WorkerDeps = {
    pool,
    id,
    host,
    env,
    spools,
    installed,
    slots,
    contact: createContact(config.heartbeatMs),
    health,
    disk,
    supervised,
    leases: new Set(),
    starting: new Set(),
    onRoom: () => wake(),
    logger,
  };
  const machine = thisMachine(config.home);
  const { offers, askVersions } = createOffers(installed, baseEnvironment(env));
  let stopping: Promise<void> | undefined;

  let phase: WorkerReport['phase'] = 'ready';
  const beat = async () => {
    await pool.workers.beat({
      id,
      host,
      pid: process.pid,
      processStart: identify(process.pid)?.start ?? '',
      machine,
      version: VERSION,
      startedAt,
      runners: offers(),
      capacity: slots.capacity([...installed.keys()]),
      running: slots.used(),
      allowedPaths: withRealPaths(config.allowedPaths),
      phase,
      ...(health.problem && { problem: health.problem }),
    });
    deps.contact.heard();
  };
  const reconcileAll = () =>
    Promise.all([...deps.supervised.values()].map((supervision) => supervision.reconcile())).catch((error: unknown) =>
      logger.warn({ err: error }, 'wishes could not be read; the next heartbeat looks again'),
    );

  await beat();
  await refuseSharedHostName({ workers: pool.workers, id, machine, heartbeatMs: config.heartbeatMs, beat }).catch(
    async (error: unknown) => {
      health.stop();
      await disk.stop();
      throw error;
    },
  );
  health.onChange(changed);
  await takeOver(deps);
  void askVersions(); // not before: starting ten programs takes a while
  const unheard = await pool.control.onWake(id, () => void reconcileAll());
  const claiming = await startClaiming(deps);
  wake = claiming.wake;
  const sweeping = startSweeping(deps);
  const heart = every(config.heartbeatMs, logger, async () => {
    await beat();
    await reconcileAll();
  });
  const leases = every(config.lockMs / 4, logger, async () => {
    for (const lease of deps.leases)
      if (!(await lease.extend())) logger.debug({ runId: lease.runId }, 'the job has another holder');
  });
  logger.info({ runners: [...installed.keys()], slots: config.concurrency }, 'worker is ready');

  async function stop(how: 'detach' | 'drain'): Promise<void> {
    phase = 'stopping';
    clearTimeout(beatSoon);
    await beat();
    await claiming.stop();
    health.stop();
    if (how === 'drain') {
      logger.info({ running: deps.supervised.size }, 'waiting for the end of what runs');
      while (deps.supervised.size + deps.starting.size > 0) {
        await Promise.all([...deps.supervised.values()].map(({ over }) => over));
        await pause(BEAT_SOON_MS); // a further try may be starting
      }
    }
    await sweeping.stop();
    await Promise.all([heart.stop(), disk.stop(), leases.stop()]);
    unheard();
    const handedOver = [...deps.supervised.values()];
    for (const supervision of handedOver) supervision.detach();
    deps.leases.clear();
    phase = 'left';
    // Whoever left programs behind stays in the register until another worker has them.
    await (handedOver.length > 0 ? beat() : pool.workers.leave(id));
  }

  return {
    id,
    host,
    runners: [...installed.keys()],
    stop: (how = config.stopMode) => {
      stopping ??= stop(how);
      return stopping;
    },
  };
}
