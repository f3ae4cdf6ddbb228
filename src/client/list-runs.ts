import { UserError } from '../shared/errors.js';
import { didYouMean } from '../shared/nearest.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { beginningOf } from '../shared/plain-text.js';
import type { Labels } from '../shared/run.js';
import type { RunState } from '../shared/run-state.js';
import type { RunFilter } from '../shared/run-store/indexes.js';
import type { Caller } from './caller.js';
import { seenBy } from './find-run.js';
import { type RunView, viewOf } from './run-view.js';
import { workerFactsFor } from './worker-facts.js';

/** Which runs are wanted; what is not given does not matter. */
export interface RunQuery {
  readonly agentName?: string | undefined;
  readonly runner?: string | undefined;
  readonly status?: RunState | undefined;
  readonly host?: string | undefined;
  /** It has all of these. */
  readonly labels?: Labels | undefined;
  /** Queued at or after this time (ms since the epoch). */
  readonly since?: number | undefined;
  readonly limit: number;
  /** `nextCursor` of an earlier answer. */
  readonly cursor?: string | undefined;
  /** Also counts and durations by runner and status. */
  readonly stats?: boolean;
}

/** Runs with one runner that are in one state. */
export interface RunStatistics {
  readonly runner: string;
  readonly status: RunState;
  readonly count: number;
  /** Of the time from start to end. */
  readonly medianMs?: number;
  readonly longestMs?: number;
}

export interface RunList {
  readonly runs: readonly RunView[];
  /** Absent: these were the last ones. */
  readonly nextCursor?: string;
  readonly stats?: readonly RunStatistics[];
  /** What there is, where what was asked for is not known. */
  readonly hint?: string;
}

/** The runs that the caller may see, newest first. Throws a UserError for a cursor that is not from an earlier answer. */
export async function findRuns(caller: Caller, query: RunQuery): Promise<RunList> {
  const { pool, principal } = caller;
  const { since = 0, limit, cursor, stats, agentName, runner, status, host, labels } = query;
  const filter = { ...seenBy(principal), ...omitUndefined({ agentName, runner, state: status, host, labels }) };
  const found = await pool.runs.list(filter, limit + 1, positionOf(cursor));
  const recent = found.filter((run) => run.queuedAt >= since);
  const page = recent.slice(0, limit);
  const last = page.at(-1);
  const more = recent.length > limit && last;
  const [factsOf, promptLines] = await Promise.all([
    workerFactsFor(pool, page),
    pool.runs.promptLines(page.map(({ id }) => id)),
  ]);
  return {
    runs: page.map((run, at) => ({
      ...viewOf(run),
      ...omitUndefined({ promptLine: promptLines[at] }),
      ...factsOf(run),
    })),
    ...(more && { nextCursor: cursorAfter(last) }),
    ...(stats && { stats: await statisticsOf(caller, filter, since) }),
    ...(page.length === 0 && cursor === undefined && omitUndefined({ hint: await whatThereIs(caller, query) })),
  };
}

/** So many of the newest runs tell which names there are. */
const NEWEST = 200;

/** Of a name that no run has: those that runs have. Undefined where the names are known and only no run is like this. */
async function whatThereIs(
  { pool, principal }: Caller,
  { agentName, runner, host }: RunQuery,
): Promise<string | undefined> {
  const newest = await pool.runs.summaries(seenBy(principal), NEWEST);
  if (newest.length === 0) return 'There are no runs yet; run_agent (agentpool run) starts one.';
  const asked = { agentName, runner, host };
  const words = { agentName: 'agent', runner: 'runner', host: 'host' } as const;
  for (const name of ['agentName', 'runner', 'host'] as const) {
    const known = [...new Set(newest.flatMap((run) => run[name] ?? []))];
    const given = asked[name];
    if (given === undefined || known.includes(given)) continue;
    return `There is no recent run of ${words[name]} ${given}; there are runs of: ${known.slice(0, 20).join(', ')}.${didYouMean(given, known)}`;
  }
  return undefined;
}

/** Where a list goes on after a run. */
export const cursorAfter = ({ queuedAt, id }: { readonly queuedAt: number; readonly id: string }) =>
  `${queuedAt}.${id}`;

/** The position that a cursor means. Throws a UserError for one that is not of a list. */
export function positionOf(cursor: string | undefined) {
  if (cursor === undefined) return undefined;
  const [, queuedAt, id] = /^(\d{1,16})\.(\w+)$/.exec(cursor) ?? [];
  if (queuedAt !== undefined && id !== undefined) return { queuedAt: Number(queuedAt), id };
  throw new UserError(
    'invalid_argument',
    `${JSON.stringify(beginningOf(cursor, 100))} is not a cursor of this list`,
    'Give nextCursor of an earlier answer as it is.',
    'cursor',
  );
}

async function statisticsOf({ pool }: Caller, filter: RunFilter, since: number): Promise<RunStatistics[]> {
  const found = await pool.runs.statistics(filter, since);
  return found.map(({ state, ...rest }) => ({ ...rest, status: state }));
}
