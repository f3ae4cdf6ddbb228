import type { RedisClient } from '../redis/connect.js';
import type { CommandLine } from '../redis/in-order.js';
import { createToldNames, type ToldNames } from '../redis/told-names.js';
import type { Labels, Run } from '../run.js';
import { isEnded, RUN_STATES, type RunState } from '../run-state.js';
import { type ListPosition, newestAfter, oldestFirst, oldestPages, type Stretch } from './index-pages.js';
import { indexKeys } from './keys.js';
import { type MetEntry, meetIndexes } from './meet-indexes.js';
import { scoreOf } from './outcomes.js';
import type { RunScripts } from './scripts.js';

export interface RunFilter {
  readonly agentName?: string;
  readonly runner?: string;
  readonly principal?: string;
  readonly state?: RunState;
  readonly host?: string;
  /** It has all of these. */
  readonly labels?: Labels;
}

/** What a run is found by from the beginning. */
type IndexedRun = Pick<Run, 'id' | 'principal' | 'agentName' | 'runner' | 'labels'>;

/** What a change of a run means for the indexes. */
interface RunMove {
  readonly id: string;
  readonly queuedAt: number;
  readonly from: RunState;
  readonly to: RunState;
  /** Where it is from now on, if that is new. */
  readonly host?: string | undefined;
  /** With its end: of which runner, and the time from start to end (ms), if it has started. */
  readonly outcome?: { readonly runner: string; readonly durationMs?: number };
}

/** What an index says of a run that is to be put right. */
export type PlacedRun = Pick<Run, 'id' | 'runner' | 'state' | 'queuedAt' | 'host' | 'startedAt' | 'endedAt'>;

/**
 * The sorted sets that find runs. They live on other slots than the runs and may lag behind, so readers check the
 * record. Entries are written before a run can be seen and moved after each change.
 */
export interface Indexes {
  /** The commands that add queued runs; `added` is to be called when all of them have been executed. */
  additions(runs: readonly IndexedRun[], queuedAt: number): { commands: CommandLine[]; added: () => void };
  /** Follows a change of a run. */
  follow(change: RunMove): Promise<void>;
  /** Puts a run where its record says, and takes it out of everything else, whatever came before. */
  move(run: PlacedRun): Promise<void>;
  /** A run of a host went back to its queue. */
  leaveHost(id: string, host: string): Promise<void>;
  /** Ids that may match and were queued at or after a time (ms), newest first, after a position, in pages of up to `size`. */
  pages(
    filter: RunFilter,
    after: ListPosition | undefined,
    size: number,
    since?: number,
  ): AsyncIterable<ListPosition[]>;
  /** All that may match and were queued at or after a time (ms), newest first, with what these indexes tell of them. */
  told(filter: RunFilter, since: number, tell: readonly string[]): AsyncIterable<MetEntry[]>;
  /** All ids of a state, or of all runs, queued before a time, oldest first; whoever reads them may take them out meanwhile. */
  oldestFirst(state?: RunState, before?: number): AsyncIterable<string>;
  /** The runs that were queued before a time (ms), oldest first, in pages. */
  queuedBefore(time: number): AsyncIterable<ListPosition[]>;
  /** The time (ms) of the latest run: later ones are ordered after it, also when the clock of Redis has gone back. */
  latestAt(): Promise<number>;
  /** Up to three ids that begin with a text. */
  withPrefix(text: string): Promise<string[]>;
  count(state: RunState): Promise<number>;
  /** Forgets runs whose record is gone, also where a filter has found them. */
  forget(ids: readonly string[], filter?: RunFilter): Promise<void>;
  /**
   * Takes the runs queued before a time out of each index that is named after an agent, a runner, a principal, a label or a host,
   * where `isGone` says that their record is. Nobody else would, unless somebody lists them.
   */
  forgetGone(before: number, isGone: (id: string) => Promise<boolean>): Promise<void>;
}

/** Entries of the smallest index that are looked up in the others at once, at most, so that nobody else waits for long. */
const MOST_LOOKED_UP = 2_000;

/** The indexes that a filter names; the one of all runs when it names none. */
function indexesFor(keys: ReturnType<typeof indexKeys>, filter: RunFilter): string[] {
  const { agentName, runner, principal, state, host, labels = {} } = filter;
  const named = [
    agentName !== undefined && keys.agent(agentName),
    principal !== undefined && keys.principal(principal),
    state !== undefined && keys.state(state),
    host !== undefined && keys.host(host),
    runner !== undefined && keys.runner(runner),
    ...Object.entries(labels).map(([key, value]) => keys.label(key, value)),
  ].filter((index) => index !== false);
  return named.length > 0 ? named : [keys.all];
}

/** Some indexes, the smallest first. */
async function bySize(redis: RedisClient, indexes: readonly string[]): Promise<[first: string, ...others: string[]]> {
  const sizes = indexes.length < 2 ? [0] : await Promise.all(indexes.map((index) => redis.zcard(index)));
  const [first = '', ...others] = [...indexes].sort(
    (a, b) => (sizes[indexes.indexOf(a)] ?? 0) - (sizes[indexes.indexOf(b)] ?? 0),
  );
  return [first, ...others];
}

/** What is in all of some indexes, newest first, in pages of up to `size`: the smallest is read, and looked up in the others. */
async function* pagesOf(
  redis: RedisClient & RunScripts,
  indexes: readonly string[],
  { after, since, size }: Omit<Stretch, 'count'> & { readonly size: number },
): AsyncGenerator<ListPosition[]> {
  const [read, ...others] = await bySize(redis, indexes);
  let position = after;
  // Where most of them meet, the first few are a page.
  for (let count = size; ; count = Math.min(MOST_LOOKED_UP, count * 4)) {
    if (others.length === 0) {
      const page = await newestAfter(redis, read, { after: position, since, count: size });
      yield page;
      if (page.length < size) return;
      position = page.at(-1);
      continue;
    }
    const { met, last } = await meetIndexes(redis, { read, others, tell: [read] }, { after: position, since, count });
    const page = met.map(({ id, told: [queuedAt = 0] }) => ({ id, queuedAt }));
    for (let at = 0; at < page.length; at += size) yield page.slice(at, at + size);
    if (!last) return;
    position = last;
  }
}

/** See `Indexes.told`. */
async function* toldOf(
  redis: RedisClient & RunScripts,
  indexes: readonly string[],
  since: number,
  tell: readonly string[],
): AsyncGenerator<MetEntry[]> {
  const [read, ...others] = await bySize(redis, indexes);
  for (let after: ListPosition | undefined; ; ) {
    const { met, last } = await meetIndexes(redis, { read, others, tell }, { after, since, count: MOST_LOOKED_UP });
    yield met;
    if (!last) return;
    after = last;
  }
}

/** The time from start to end (ms) of a run that has both. */
export function tookOf({ startedAt, endedAt }: Pick<Run, 'startedAt' | 'endedAt'>): { readonly durationMs?: number } {
  return startedAt !== undefined && endedAt !== undefined ? { durationMs: endedAt - startedAt } : {};
}

/** See `Indexes.additions`. */
function additionsOf(
  keys: ReturnType<typeof indexKeys>,
  { names, runners }: { readonly names: ToldNames; readonly runners: ToldNames },
  runs: readonly IndexedRun[],
  queuedAt: number,
): ReturnType<Indexes['additions']> {
  const byIndex = new Map<string, string[]>();
  const add = (index: string, id: string) => byIndex.set(index, [...(byIndex.get(index) ?? []), id]);
  const named = new Set<string>();
  for (const { id, principal, agentName, runner, labels = {} } of runs) {
    for (const index of [keys.all, keys.state('queued')]) add(index, id);
    const labelled = Object.entries(labels).map(([key, value]) => keys.label(key, value));
    for (const index of [keys.agent(agentName), keys.principal(principal), keys.runner(runner), ...labelled]) {
      named.add(index);
      add(index, id);
    }
  }
  const untold = names.untold(named);
  const newRunners = runners.untold(new Set(runs.map(({ runner }) => runner)));
  const commands: CommandLine[] = [
    ...(untold.length > 0 ? [['sadd', keys.named, ...untold] satisfies CommandLine] : []),
    ...(newRunners.length > 0 ? [['sadd', keys.runners, ...newRunners] satisfies CommandLine] : []),
    ['zadd', keys.ids, ...runs.flatMap(({ id }) => [0, id])],
    ...[...byIndex].map(([index, ids]): CommandLine => ['zadd', index, ...ids.flatMap((id) => [queuedAt, id])]),
  ];
  const added = () => {
    names.told(untold);
    runners.told(newRunners);
  };
  return { commands, added };
}

/** Opens the indexes on one connection. An index has what is put into it for `keptMs` at least. */
export function openIndexes(redis: RedisClient & RunScripts, prefix: string, keptMs: number): Indexes {
  const keys = indexKeys(prefix);
  const names = createToldNames(keptMs);
  const tellNames = async (untold: readonly string[]) => {
    if (untold.length === 0) return;
    await redis.sadd(keys.named, ...untold);
    names.told(untold);
  };
  const runners = createToldNames(keptMs);
  const tellRunner = async (runner: string) => {
    if (runners.untold([runner]).length === 0) return;
    await redis.sadd(keys.runners, runner);
    runners.told([runner]);
  };
  const putOnHost = (id: string, queuedAt: number, host: string | undefined) =>
    host === undefined ? [] : [tellNames(names.untold([keys.host(host)])), redis.zadd(keys.host(host), queuedAt, id)];
  return {
    additions: (runs, queuedAt) => additionsOf(keys, { names, runners }, runs, queuedAt),
    async follow({ id, queuedAt, from, to, host, outcome }) {
      const states = from === to ? [] : [redis.zadd(keys.state(to), queuedAt, id), redis.zrem(keys.state(from), id)];
      const ended = outcome ? [redis.zadd(keys.outcomes(outcome.runner), scoreOf({ state: to, ...outcome }), id)] : [];
      await Promise.all([...ended, ...states, ...putOnHost(id, queuedAt, host)]);
    },
    async move(run) {
      const { id, runner, state, queuedAt, host } = run;
      const others = RUN_STATES.filter((other) => other !== state);
      const outcomes = keys.outcomes(runner);
      await Promise.all([
        tellRunner(runner),
        isEnded(state) ? redis.zadd(outcomes, scoreOf({ state, ...tookOf(run) }), id) : redis.zrem(outcomes, id),
        redis.zadd(keys.state(state), queuedAt, id),
        ...others.map((other) => redis.zrem(keys.state(other), id)),
        ...putOnHost(id, queuedAt, host),
      ]);
    },
    async leaveHost(id, host) {
      await redis.zrem(keys.host(host), id);
      names.forget(keys.host(host)); // the sweep takes out the name of an empty index
    },
    pages: (filter, after, size, since = 0) => pagesOf(redis, indexesFor(keys, filter), { after, size, since }),
    told: (filter, since, tell) => toldOf(redis, indexesFor(keys, filter), since, tell),
    oldestFirst: (state, before) => oldestFirst(redis, state === undefined ? keys.all : keys.state(state), before),
    queuedBefore: (time) => oldestPages(redis, keys.all, time),
    latestAt: async () => Number((await redis.zrange(keys.all, '-1', '-1', 'WITHSCORES'))[1] ?? 0),
    withPrefix: (text) => redis.zrangebylex(keys.ids, `[${text}`, `[${text}\xff`, 'LIMIT', 0, 3),
    count: (state) => redis.zcard(keys.state(state)),
    async forget(ids, filter = {}) {
      if (ids.length === 0) return;
      const outcomes = (await redis.smembers(keys.runners)).map(keys.outcomes);
      const states = RUN_STATES.map(keys.state);
      const indexes = new Set([...indexesFor(keys, filter), ...outcomes, ...states, keys.ids, keys.all]);
      await Promise.all([...indexes].map((index) => redis.zrem(index, ...ids)));
    },
    async forgetGone(before, isGone) {
      for (const index of await redis.smembers(keys.named)) {
        for await (const id of oldestFirst(redis, index, before)) if (await isGone(id)) await redis.zrem(index, id);
        if ((await redis.zcard(index)) === 0) await redis.srem(keys.named, index);
      }
    },
  };
}
