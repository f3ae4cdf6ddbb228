import { didYouMean } from '../shared/nearest.js';
import { unmet } from '../shared/workers/labels.js';
import type { LivingWorker } from '../shared/workers/workers.js';

/** What nobody can serve: a run's requirements, and where it may run. */
interface Demanding {
  readonly runner: string;
  readonly requires: readonly string[];
  readonly host: string | undefined;
}

/** Why no worker of those that have the program may take a run, and what helps; they may be none. */
export function unmetInWords(
  { runner, requires, host }: Demanding,
  able: readonly LivingWorker[],
): { readonly message: string; readonly hint: string } {
  const where = host === undefined ? '' : ` on host ${host}`;
  const nobodyHas = requires.filter((one) => able.every(({ labels }) => unmet([one], labels).length > 0));
  const what =
    nobodyHas.length > 0
      ? `has what the run requires: ${nobodyHas.join(', ')}`
      : `has all that the run requires together: ${requires.join(', ')}`;
  const labels = [...new Set(able.flatMap((worker) => worker.labels ?? []))].sort();
  const meant = nobodyHas.map((one) => didYouMean(one, labels)).find((words) => words !== '') ?? '';
  const set = requires.filter((one) => !/^(os|arch)(=|$)/.test(one)).join(',');
  const start =
    set === '' ? 'Start a worker on such a machine.' : `Start a worker with AGENTPOOL_WORKER_LABELS=${set}.`;
  const have = labels.length === 0 ? '' : ` Labels of the workers with ${runner}: ${labels.join(', ')}.`;
  return { message: `No living worker with ${runner}${where} ${what}`, hint: `${start}${have}${meant}` };
}
