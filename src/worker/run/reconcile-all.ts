import type { DirectKill } from '../../shared/control.js';
import type { Logger } from '../../shared/logger.js';
import type { OwnedRuns } from './owned-run.js';

/** Somebody asks for something: it is in the records, or, where Redis takes no writes, in the notification. */
export function look(owned: OwnedRuns, direct: DirectKill | undefined, logger: Logger): void {
  if (direct) owned.get(direct.runId)?.supervision?.kill(direct);
  for (const one of owned.all()) if (!one.supervision) one.wasAsked = true;
  void reconcileAll(owned, logger);
}

/** Looks at what the records say of the runs whose programs we watch; what cannot be read is read with the next heartbeat. */
export async function reconcileAll(owned: OwnedRuns, logger: Logger): Promise<void> {
  for (const looked of await Promise.allSettled(owned.all().map(({ supervision }) => supervision?.reconcile())))
    if (looked.status === 'rejected')
      logger.warn({ err: looked.reason }, 'a record could not be read; the next heartbeat looks again');
}
