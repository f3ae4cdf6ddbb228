import { omitUndefined } from '../omit-undefined.js';
import { LOCAL } from '../principal.js';
import { type CommandLine, inOrder } from '../redis/in-order.js';
import type { Run, Usage } from '../run.js';
import type { RunState } from '../run-state.js';
import type { ListPosition } from './index-pages.js';
import type { RunFilter } from './indexes.js';
import type { StoreParts } from './parts.js';
import { readFields } from './read-fields.js';
import { labelsFrom, runFromFields, stateOf } from './record.js';

/** Ids whose record is missing are forgotten only when older than this: an index entry is written before its record. */
const FORGET_AFTER_MS = 60_000;
const SMALLEST_PAGE = 20;
/** Records that one message to Redis asks for at most, so that nobody else waits for long. */
const LARGEST_PAGE = 500;

/** What statistics need to know of a run. */
export interface RunSummary {
  readonly agentName: string;
  readonly principal: string;
  readonly queuedAt: number;
  /** What its program said that it has spent. */
  readonly usage?: Usage;
  readonly runner: string;
  readonly host?: string;
  readonly state: RunState;
  /** Time from start to end (ms); absent for what has not started or not ended. */
  readonly durationMs?: number;
}

/** What a filter and the order of a list look at. */
type Found = Pick<Run, 'agentName' | 'runner' | 'principal' | 'state' | 'queuedAt' | 'host' | 'labels'>;

/** How records are read, and what the answer on each says; undefined when there is no record. */
interface Reading<Row> {
  readonly read: (parts: StoreParts, ids: readonly string[]) => Promise<readonly unknown[]>;
  readonly row: (reply: unknown) => { readonly found: Found; readonly row: Row } | undefined;
}

const WHOLE: Reading<Run> = {
  read: async ({ redis, keysOf }, ids) => {
    const [replies = []] = await inOrder(
      redis,
      ids.map((id): CommandLine => ['hgetall', keysOf(id).run]),
    );
    return replies.map((reply) => {
      if (reply.status === 'rejected') throw reply.reason;
      return reply.value;
    });
  },
  row: (reply) => {
    const run = runFromFields(reply as Record<string, string>);
    return run && { found: run, row: run };
  },
};

const SUMMARY_FIELDS = [
  'agentName',
  'runner',
  'principal',
  'state',
  'host',
  'queuedAt',
  'startedAt',
  'endedAt',
  'labels',
  'usage',
];
const SUMMARY: Reading<RunSummary> = {
  read: (parts, ids) => readFields(parts, ids, SUMMARY_FIELDS),
  row: (reply) => {
    const [agentName, runner, principal, state, host, queuedAt, startedAt, endedAt, labels, usage] = reply as (
      | string
      | null
    )[];
    if (!agentName || !runner) return undefined;
    const known = {
      agentName,
      runner,
      principal: principal ?? LOCAL.name,
      state: stateOf(state ?? ''),
      queuedAt: Number(queuedAt),
      ...(host && { host }),
    };
    const duration = startedAt && endedAt ? { durationMs: Number(endedAt) - Number(startedAt) } : {};
    return {
      found: {
        ...known,
        ...omitUndefined({ labels: labelsFrom(labels ?? undefined) }),
      },
      row: { ...known, ...duration, ...(usage && { usage: JSON.parse(usage) as Usage }) },
    };
  },
};

/** Runs that match, newest first. What the indexes still have of runs whose record is gone is forgotten on the way. */
export function listRuns(
  parts: StoreParts,
  filter: RunFilter,
  limit: number,
  after: ListPosition | undefined,
): Promise<Run[]> {
  return list(parts, WHOLE, { filter, limit, after, since: 0 });
}

/** What statistics need to know of the newest runs that match and were queued at or after a time (ms). */
export function summarizeRuns(
  parts: StoreParts,
  filter: RunFilter,
  limit: number,
  since: number,
): Promise<RunSummary[]> {
  return list(parts, SUMMARY, { filter, limit, after: undefined, since });
}

/** What statistics need to know of these runs, of which some may be gone. */
export async function summariesOf(parts: StoreParts, ids: readonly string[], filter: RunFilter): Promise<Summaries> {
  const summaries = new Map<string, RunSummary | undefined>();
  for (let at = 0; at < ids.length; at += LARGEST_PAGE)
    for (const { id, record } of await read(
      parts,
      SUMMARY,
      ids.slice(at, at + LARGEST_PAGE).map((id) => ({ id })),
    ))
      summaries.set(id, record && matches(record.found, filter) ? record.row : undefined);
  return summaries;
}

/** By id, what is known of runs; undefined where there is no record, or where it does not match. */
export type Summaries = ReadonlyMap<string, RunSummary | undefined>;

/** The same of all that match and were queued at or after a time (ms), newest first, however many they are. */
export async function* allSummaries(
  parts: StoreParts,
  filter: RunFilter,
  since: number,
): AsyncGenerator<readonly RunSummary[]> {
  yield* rowsOf(parts, SUMMARY, { filter, after: undefined, since, size: LARGEST_PAGE });
}

interface ListQuery {
  readonly filter: RunFilter;
  readonly limit: number;
  readonly after: ListPosition | undefined;
  readonly since: number;
}

async function list<Row>(
  parts: StoreParts,
  reading: Reading<Row>,
  { filter, limit, after, since }: ListQuery,
): Promise<Row[]> {
  const rows: Row[] = [];
  const size = Math.min(LARGEST_PAGE, Math.max(SMALLEST_PAGE, limit));
  for await (const page of rowsOf(parts, reading, { filter, after, since, size })) {
    rows.push(...page.slice(0, limit - rows.length));
    if (rows.length === limit) break;
  }
  return rows;
}

/** What matches, page by page; what the indexes still have of runs whose record is gone is forgotten on the way. */
async function* rowsOf<Row>(
  parts: StoreParts,
  reading: Reading<Row>,
  { filter, after, since, size }: Omit<ListQuery, 'limit'> & { readonly size: number },
): AsyncGenerator<Row[]> {
  const { indexes, now } = parts;
  const stale = (await now()) - FORGET_AFTER_MS;
  for await (const page of indexes.pages(filter, after, size, since)) {
    const found = await read(parts, reading, page);
    const gone = found.filter(({ queuedAt, record }) => !record && queuedAt < stale);
    await indexes.forget(
      gone.map(({ id }) => id),
      filter,
    );
    yield found.flatMap(({ record }) => (record && matches(record.found, filter) ? [record.row] : []));
  }
}

async function read<Row, Place extends { readonly id: string }>(
  parts: StoreParts,
  reading: Reading<Row>,
  page: readonly Place[],
) {
  const replies = await reading.read(
    parts,
    page.map(({ id }) => id),
  );
  return page.map((position, at) => ({ ...position, record: reading.row(replies[at]) }));
}

function matches(found: Found, { agentName, runner, principal, state, host, labels = {} }: RunFilter): boolean {
  return (
    (principal === undefined || found.principal === principal) &&
    (agentName === undefined || found.agentName === agentName) &&
    (runner === undefined || found.runner === runner) &&
    (state === undefined || found.state === state) &&
    (host === undefined || found.host === host) &&
    Object.entries(labels).every(([key, value]) => found.labels?.[key] === value)
  );
}
