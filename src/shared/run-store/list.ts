import type { Run } from '../run.js';
import type { ListPosition, RunFilter } from './indexes.js';
import type { StoreParts } from './parts.js';
import { readRun } from './record.js';

/** Ids whose record is missing are forgotten only when older than this: an index entry is written before its record. */
const FORGET_AFTER_MS = 60_000;
const SMALLEST_PAGE = 20;

/** Runs that match, newest first. What the indexes still have of runs whose record is gone is forgotten on the way. */
export async function listRuns(
  { redis, keysOf, indexes, now }: StoreParts,
  filter: RunFilter,
  limit: number,
  after: ListPosition | undefined,
): Promise<Run[]> {
  const found: Run[] = [];
  const stale = (await now()) - FORGET_AFTER_MS;
  const size = Math.max(SMALLEST_PAGE, limit);
  for (let position = after, isFull = true; isFull && found.length < limit; ) {
    const page = await indexes.page(filter, position, size);
    const runs = await Promise.all(page.map(({ id }) => readRun(redis, keysOf(id).run)));
    for (const [at, { id, queuedAt }] of page.entries()) {
      const run = runs[at];
      if (!run && queuedAt < stale) await indexes.forget(id, filter);
      if (run && matches(run, filter) && found.length < limit) found.push(run);
    }
    position = page.at(-1);
    isFull = page.length === size;
  }
  return found;
}

function matches(run: Run, { agentName, runner, principal, state, host }: RunFilter): boolean {
  return (
    (principal === undefined || run.principal === principal) &&
    (agentName === undefined || run.agentName === agentName) &&
    (runner === undefined || run.runner === runner) &&
    (state === undefined || run.state === state) &&
    (host === undefined || run.host === host)
  );
}
