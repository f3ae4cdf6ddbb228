import type { WorkerDeps } from '../deps.js';
import { presentSpool, readNumberLine, spoolBytes, spooledRuns } from './spool.js';

/**
 * Output grows without asking: over the quota the largest spool has to go, so that the other runs can go on. Those of
 * the other workers of this host count, and are theirs to end; what has ended is gone soon.
 */
export function keepWithinQuota({ pool, spools, supervised }: WorkerDeps): void {
  const growing = spooledRuns(spools).flatMap((runId) => {
    const { spool } = presentSpool(spools, runId);
    return readNumberLine(spool.exit) === undefined ? [{ runId, bytes: spoolBytes(spool) }] : [];
  });
  if (growing.reduce((sum, { bytes }) => sum + bytes, 0) <= pool.config.spoolQuotaBytes) return;
  const [largest] = growing.sort((a, b) => b.bytes - a.bytes);
  if (largest) supervised.get(largest.runId)?.endForRoom();
}
