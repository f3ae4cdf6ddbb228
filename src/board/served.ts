import { serves } from '../shared/queues/route.js';
import type { LivingWorker } from '../shared/workers/workers.js';

/** The workers that take runs out of a queue now: alive, healthy, not stopping, on its host or with its runner. */
export function servedBy(workers: readonly LivingWorker[], queue: string): LivingWorker[] {
  return workers.filter(
    ({ alive, phase, problem, cordonedSince, host, runners, labels }) =>
      alive &&
      phase === 'ready' &&
      !problem &&
      cordonedSince === undefined &&
      serves({ host, labels, runners: runners.map(({ name }) => name) }, queue),
  );
}
