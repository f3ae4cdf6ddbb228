import type { WorkerDeps } from './deps.js';

/** Output grows without asking: over the quota the largest spool has to go, so that the other runs can go on. */
export function keepWithinQuota({ pool, supervised }: WorkerDeps): void {
  const sizes = [...supervised.values()].map((supervision) => ({ supervision, bytes: supervision.spoolBytes() }));
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= pool.config.spoolQuotaBytes) return;
  sizes.sort((a, b) => b.bytes - a.bytes)[0]?.supervision.endForRoom();
}
