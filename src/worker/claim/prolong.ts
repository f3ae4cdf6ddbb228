import type { Logger } from '../../shared/logger.js';

/** Keeps the jobs that we hold; one that cannot be prolonged now is not in the way of the others. */
export async function prolong(
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
