import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../shared/logger.js';
import type { Pool } from '../shared/pool.js';
import type { Heartbeat } from './heartbeat.js';
import type { HostHealth } from './host/health.js';
import type { OwnedRun, OwnedRuns } from './run/owned-run.js';

/** How long a stopping worker waits for programs that are just being started (ms). */
const PLACED_WITHIN_MS = 5_000;

/** What makes a worker up, and how it is to stop. */
export interface Stopping {
  readonly how: 'detach' | 'drain';
  readonly id: string;
  readonly workers: Pool['workers'];
  readonly owned: OwnedRuns;
  readonly health: HostHealth;
  readonly heartbeat: Heartbeat;
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
export async function stopWorker(parts: Stopping): Promise<void> {
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
  // A worker that left programs behind stays in the register until another worker has them.
  await (handedOver > 0 ? heartbeat.enter('left') : workers.leave(id));
}

/** Lets go of all runs, or of those in a phase; answers how many. */
function letGoOf(owned: OwnedRuns, phase?: OwnedRun['phase']): number {
  const all = owned.all().filter((one) => phase === undefined || one.phase === phase);
  for (const one of all) one.letGo();
  return all.length;
}

/** Resolves when no run is left; a further attempt of one counts as the same. */
async function drained(owned: OwnedRuns, logger: Logger): Promise<void> {
  logger.info({ running: owned.all().length }, 'waiting for running runs to end');
  while (owned.all().length > 0) await Promise.all(owned.all().map(({ over }) => over));
}
