import type { Pool } from '../shared/pool.js';
import type { Claiming } from './claim/claim-loop.js';
import type { Cordon } from './claim/cordon.js';
import type { Slots } from './claim/slots.js';
import type { Heartbeat } from './heartbeat.js';
import type { HostHealth } from './host/health.js';
import { type HealthEndpoint, type Scrape, startHealthEndpoint } from './host/health-endpoint.js';
import { type Verdict, verdictOf } from './host/vitals.js';
import type { WorkerMetrics } from './host/worker-metrics.js';
import type { startOffering } from './prepare/offering.js';
import type { OwnedRuns } from './run/owned-run.js';

interface VitalsDeps {
  readonly pool: Pick<Pool, 'config' | 'redisProblem'>;
  readonly heartbeat: Pick<Heartbeat, 'silentMs' | 'phase'>;
  readonly health: Pick<HostHealth, 'problem'>;
}

interface EndpointDeps extends Pick<VitalsDeps, 'heartbeat'> {
  readonly pool: Pick<Pool, 'config'>;
  /** See `openVitals`. */
  readonly look: () => Promise<Verdict>;
  readonly metrics: WorkerMetrics | undefined;
  readonly slots: Pick<Slots, 'capacity' | 'used'>;
  readonly offering: Pick<ReturnType<typeof startOffering>, 'installed'>;
  readonly cordon: Pick<Cordon, 'isOn'>;
  readonly owned: Pick<OwnedRuns, 'all'>;
}

/** What answers whether this worker lives and is ready. */
export function openVitals(
  { pool: { config, redisProblem }, heartbeat, health }: VitalsDeps,
  claiming: Pick<Claiming, 'turnMs'>,
): () => Promise<Verdict> {
  return async () => {
    const redis = await redisProblem();
    return verdictOf({
      redis,
      heartbeatMs: config.heartbeatMs,
      silentMs: heartbeat.silentMs(),
      claimingMs: claiming.turnMs(),
      phase: heartbeat.phase(),
      problem: health.problem,
    });
  };
}

/** Answers whether this worker is alive and ready, and gives its metrics to callers with the scope, if the settings ask for an endpoint. */
export async function startEndpoint(
  { pool, look, heartbeat, metrics, slots, offering, cordon, owned }: EndpointDeps,
  allows: Scrape['allows'] | undefined,
): Promise<HealthEndpoint | undefined> {
  const { workerHealth } = pool.config;
  if (!workerHealth) return undefined;
  if (!metrics || !allows) return startHealthEndpoint(workerHealth, look);
  const text = async () =>
    metrics.text({
      slots: slots.capacity([...offering.installed.keys()]),
      running: slots.used(),
      ready: (await look()).ready.length === 0,
      cordoned: cordon.isOn(),
      unshippedBytes: owned.all().reduce((sum, { supervision }) => sum + (supervision?.behind() ?? 0), 0),
      heartbeatAgeMs: heartbeat.silentMs(),
    });
  return startHealthEndpoint(workerHealth, look, { allows, text });
}
