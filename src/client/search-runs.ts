import { omitUndefined } from '../shared/omit-undefined.js';
import type { Run } from '../shared/run.js';
import type { Caller } from './caller.js';
import { seenBy } from './find-run.js';
import { cursorAfter, positionOf, type RunQuery } from './list-runs.js';

/** Which runs are wanted, as for `findRuns`, and a text that is in their first line, their agent name or their id. */
export interface RunSearch extends Omit<RunQuery, 'stats'> {
  readonly text?: string | undefined;
  /** Queued before this time (ms since the epoch). */
  readonly until?: number | undefined;
}

/** A run with the first line of its prompt, where that is kept. */
export interface FoundRun {
  readonly run: Run;
  readonly promptLine?: string;
}

/** One search looks at no more runs than this. */
const MOST_LOOKED_AT = 5_000;
const PAGE = 200;

/** The runs that the caller may see and that match, newest first, and where the search goes on if there are more. */
export async function searchRuns(
  { pool, principal }: Caller,
  search: RunSearch,
): Promise<{ runs: FoundRun[]; nextCursor?: string }> {
  const {
    text = '',
    since = 0,
    until = Number.POSITIVE_INFINITY,
    limit,
    agentName,
    runner,
    status,
    host,
    labels,
  } = search;
  const filter = { ...seenBy(principal), ...omitUndefined({ agentName, runner, state: status, host, labels }) };
  const wanted = text.toLowerCase();
  const matches = ({ run, promptLine = '' }: FoundRun) =>
    run.queuedAt < until &&
    (wanted === '' || [promptLine, run.agentName, run.id].some((words) => words.toLowerCase().includes(wanted)));
  const runs: FoundRun[] = [];
  let position = positionOf(search.cursor);
  for (let looked = 0; looked < MOST_LOOKED_AT; ) {
    const size = wanted === '' && until === Number.POSITIVE_INFINITY ? limit + 1 : PAGE;
    const page = await pool.runs.list(filter, size, position);
    const promptLines = await pool.runs.promptLines(page.map(({ id }) => id));
    for (const [at, run] of page.entries()) {
      if (run.queuedAt < since) return { runs };
      if (runs.length === limit) return { runs, nextCursor: cursorAfter(runs.at(-1)?.run ?? run) };
      const found = { run, ...omitUndefined({ promptLine: promptLines[at] }) };
      if (matches(found)) runs.push(found);
      position = { queuedAt: run.queuedAt, id: run.id };
    }
    if (page.length < size) return { runs };
    looked += page.length;
  }
  return { runs, ...(position && { nextCursor: cursorAfter(position) }) };
}
