import type { Queues } from '../../shared/queues/queues.js';
import type { Run } from '../../shared/run.js';
import type { RunStore } from '../../shared/run-store/run-store.js';

export interface PlaceRecordedDeps {
  readonly runs: Pick<RunStore, 'request'>;
  readonly queues: Pick<Queues, 'has' | 'placeAnew'>;
}

/**
 * Places a queued run that has no job which waits or is held, as its record says. One whose request a newer release has
 * written is left to its workers; one whose request cannot be read is placed, so that its claim ends it.
 */
export async function placeRecorded({ runs, queues }: PlaceRecordedDeps, run: Run): Promise<void> {
  if (await queues.has(run.id, run.queue)) return;
  const request = await runs.request(run.id);
  if (!request) return;
  if ('value' in request) await queues.placeAnew(run.id, run.queue, request.value);
  else if ('broken' in request) await queues.placeAnew(run.id, run.queue, { ...run, prompt: '' });
}
