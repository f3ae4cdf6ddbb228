import { omitUndefined } from '../omit-undefined.js';
import { LOCAL } from '../principal.js';
import { type CommandLine, inOrder } from '../redis/in-order.js';
import type { Run, Usage } from '../run.js';
import type { RunState } from '../run-state.js';
import type { ListPosition, RunFilter } from './indexes.js';
import type { StoreParts } from './parts.js';
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
  readonly state: RunState;
  /** Time from start to end (ms); absent for what has not started or not ended. */
  readonly durationMs?: number;
}

/** What a filter and the order of a list look at. */
type Found = Pick<Run, 'agentName' | 'runner' | 'principal' | 'state' | 'queuedAt' | 'host' | 'labels'>;

/** How records are read: the command for a key, and what its answer says; undefined when there is no record. */
interface Reading<Row> {
  readonly command: (key: string) => CommandLine;
  readonly row: (reply: unknown) => { readonly found: Found; readonly row: Row } | undefined;
}

const WHOLE: Reading<Run> = {
  command: (key) => ['hgetall', key],
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
  command: (key) => ['hmget', key, ...SUMMARY_FIELDS],
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
    };
    const duration = startedAt && endedAt ? { durationMs: Number(endedAt) - Number(startedAt) } : {};
    return {
      found: {
        ...known,
        ...(host && { host }),
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
  const { indexes, now } = parts;
  const rows: Row[] = [];
  const stale = (await now()) - FORGET_AFTER_MS;
  const size = Math.min(LARGEST_PAGE, Math.max(SMALLEST_PAGE, limit));
  for await (const page of indexes.pages(filter, after, size)) {
    for (const { position, record } of await read(parts, reading, page)) {
      if (position.queuedAt < since || rows.length === limit) return rows;
      if (!record && position.queuedAt < stale) await indexes.forget(position.id, filter);
      if (record && matches(record.found, filter)) rows.push(record.row);
    }
    if (rows.length === limit) return rows;
  }
  return rows;
}

async function read<Row>({ redis, keysOf }: StoreParts, { command, row }: Reading<Row>, page: readonly ListPosition[]) {
  const [replies = []] = await inOrder(
    redis,
    page.map(({ id }) => command(keysOf(id).run)),
  );
  return page.map((position, at) => {
    const reply = replies[at];
    if (reply?.status !== 'fulfilled') throw reply?.reason;
    return { position, record: row(reply.value) };
  });
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
