import type { Run } from '../../shared/run.js';
import type { RunFilter } from '../../shared/run-store/indexes.js';
import type { RunStore } from '../../shared/run-store/run-store.js';

const PAGE = 200;

/** All runs that match, newest first, a page at a time: however many there are, none is out of sight. */
export async function* allRuns(runs: Pick<RunStore, 'list'>, filter: RunFilter): AsyncGenerator<Run> {
  for (let after: { id: string; queuedAt: number } | undefined; ; ) {
    const page = await runs.list(filter, PAGE, after);
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = { id: last.id, queuedAt: last.queuedAt };
  }
}
