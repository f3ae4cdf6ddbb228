import type { Logger } from '../../shared/logger.js';
import type { Lease } from '../../shared/queues/leases.js';
import type { Run } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { RunStore } from '../../shared/run-store/run-store.js';

/** How long one wait for another worker's run lasts before it is begun again (ms). */
const MIRROR_MS = 24 * 60 * 60_000;

export interface MirrorDeps {
  readonly runs: Pick<RunStore, 'wait'>;
  /** Whether this host has something of a run, so that the worker that attaches to it will correct its queued record. */
  readonly hasBegunHere: (runId: string) => boolean;
  readonly logger: Logger;
}

/** Holds the jobs of runs that others own until these have ended, so that Bull Board is right. */
export function createMirrors({ runs, hasBegunHere, logger }: MirrorDeps) {
  const held = new Map<string, Lease>();
  const isHeld = (lease: Lease) => held.get(lease.runId) === lease;
  /** Its owner has given it back, and must not wait for us. */
  const waits = (run: Run) => run.state === 'queued' && !hasBegunHere(run.id);

  async function follow(lease: Lease): Promise<void> {
    let run: Run | undefined;
    do
      run = await runs.wait(lease.runId, (seen) => isEnded(seen.state) || waits(seen) || !isHeld(lease), {
        timeoutMs: MIRROR_MS,
      });
    while (run && !isEnded(run.state) && !waits(run) && isHeld(lease));
    if (!isHeld(lease)) return;
    if (run && waits(run)) await lease.giveBack();
    else await lease.finish({ state: run?.state ?? 'failed', message: run?.failure?.message ?? '' });
  }

  return {
    hold(lease: Lease): void {
      held.set(lease.runId, lease);
      follow(lease)
        .catch((error: unknown) =>
          // Its lock runs out, and it comes again.
          logger.debug({ runId: lease.runId, err: error }, 'the job is no longer mirrored'),
        )
        .finally(() => {
          if (isHeld(lease)) held.delete(lease.runId);
        });
    },
    has: (runId: string): boolean => held.has(runId),
    leases: (): readonly Lease[] => [...held.values()],
    stop: () => held.clear(),
  };
}
export type Mirrors = ReturnType<typeof createMirrors>;
