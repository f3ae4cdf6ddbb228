import type { Woken } from '../../shared/control.js';
import type { Logger } from '../../shared/logger.js';
import type { OwnedRun, OwnedRuns } from './owned-run.js';

/** Somebody asks for something: it is in the records, or, where Redis takes no writes, in the notification. */
export function look(owned: OwnedRuns, woken: Exclude<Woken, 'reload'>, logger: Logger): void {
  if (woken && 'runId' in woken) owned.get(woken.runId)?.supervision?.kill(woken);
  const named = woken && 'look' in woken ? [owned.get(woken.look)] : owned.all();
  const runs = named.filter((one) => one !== undefined);
  for (const one of runs) if (!one.supervision) one.wasAsked = true;
  void reconcileEach(runs, logger);
}

/** Looks at what the records say of the runs whose programs we watch; what cannot be read is read with the next heartbeat. */
export const reconcileAll = (owned: OwnedRuns, logger: Logger): Promise<void> => reconcileEach(owned.all(), logger);

async function reconcileEach(runs: readonly OwnedRun[], logger: Logger): Promise<void> {
  for (const looked of await Promise.allSettled(runs.map(({ supervision }) => supervision?.reconcile())))
    if (looked.status === 'rejected')
      logger.warn({ err: looked.reason }, 'a record could not be read; the next heartbeat looks again');
}
