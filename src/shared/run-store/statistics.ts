import { omitUndefined } from '../omit-undefined.js';
import { type CommandLine, inOrder } from '../redis/in-order.js';
import { isEnded, RUN_STATES, type RunState } from '../run-state.js';
import type { RunFilter } from './indexes.js';
import { indexKeys } from './keys.js';
import { allSummaries, summariesOf } from './list.js';
import { ENDS, outcomeFrom, scoresOf } from './outcomes.js';
import type { StoreParts } from './parts.js';
import { reindex } from './put-right.js';

/** The runs of one runner that are in one state. */
export interface Statistics {
  readonly runner: string;
  readonly state: RunState;
  readonly count: number;
  /** Of the time from start to end (ms), of those that have both. */
  readonly medianMs?: number;
  readonly longestMs?: number;
}

/** What is counted: those that match and were queued at or after a time (ms). */
interface Question {
  readonly filter: RunFilter;
  readonly since: number;
}

/** Up to so many of each state that has not ended are looked at in their records; of more, the indexes are believed. */
const MOST_CHECKED = 500;
/** After so many looks at indexes that do not agree with each other, all records are read. */
const LOOKS = 3;
const LIVE = RUN_STATES.filter((state) => !isEnded(state));

/**
 * Counts and durations by runner and state, of all that match. They are those of the records, but found without reading them:
 * what has ended is counted in the sorted sets of outcomes, which must agree with the indexes of states. Where they do not
 * (a worker of the release before has ended runs, a Redis that crashed has forgotten some), all records are read, until the
 * sweep has put the indexes right.
 */
export async function statisticsOf(parts: StoreParts, filter: RunFilter, since: number): Promise<Statistics[]> {
  await forgetExpired(parts);
  const question = { filter, since: await bound(parts, filter, since) };
  for (let look = 0; look < LOOKS; look += 1) {
    const found = await fromIndexes(parts, question);
    if (found) return inTheirOrder(found);
  }
  return inTheirOrder(await fromRecords(parts, question));
}

/** By runner, and of each in the order of the states. */
const inTheirOrder = (found: readonly Statistics[]) =>
  [...found].sort(
    (a, b) => a.runner.localeCompare(b.runner) || RUN_STATES.indexOf(a.state) - RUN_STATES.indexOf(b.state),
  );

/** Records that are over their time go by themselves, and the indexes still have them until the next sweep. */
async function forgetExpired({ redis, keysOf, indexes, retention, now }: StoreParts): Promise<void> {
  for await (const page of indexes.queuedBefore((await now()) - retention.recordRetentionMs)) {
    const ids = page.map(({ id }) => id);
    const [there = []] = await inOrder(
      redis,
      ids.map((id): CommandLine => ['exists', keysOf(id).run]),
    );
    await indexes.forget(ids.filter((_, at) => there[at]?.status === 'fulfilled' && there[at].value === 0));
  }
}

/** 0 where the time leaves nothing out and so need not be asked for. */
async function bound({ redis, prefix }: StoreParts, filter: RunFilter, since: number): Promise<number> {
  if (since <= 0 || Object.keys(filter).length > 0) return since;
  return (await redis.zcount(indexKeys(prefix).all, '-inf', `(${since}`)) === 0 ? 0 : since;
}

/** How many ended runs of each runner and state there are, and which have not ended, at one moment. */
interface Look {
  readonly runners: readonly string[];
  readonly ended: readonly {
    readonly runner: string;
    readonly state: RunState;
    readonly count: number;
    readonly started: number;
  }[];
  /** Up to one more than are checked. */
  readonly live: readonly { readonly state: RunState; readonly ids: readonly string[] }[];
}

/** Undefined where the sets of outcomes and the indexes of states do not agree. */
async function look({ redis, prefix }: StoreParts): Promise<Look | undefined> {
  const keys = indexKeys(prefix);
  const runners = await redis.smembers(keys.runners);
  const pairs = runners.flatMap((runner) => ENDS.map((state) => ({ runner, state })));
  const [counts = [], sizes = [], live = []] = await inOrder(
    redis,
    pairs.flatMap(({ runner, state }): CommandLine[] => {
      const { first, started, last } = scoresOf(state);
      return [first, started].map((from) => ['zcount', keys.outcomes(runner), from, last]);
    }),
    ENDS.map((state) => ['zcard', keys.state(state)]),
    LIVE.map((state) => ['zrange', keys.state(state), 0, MOST_CHECKED]),
  );
  const ended = pairs.map((pair, at) => ({
    ...pair,
    count: value<number>(counts[2 * at]),
    started: value<number>(counts[2 * at + 1]),
  }));
  const agree = ENDS.every((state, at) => {
    const sum = ended.filter((one) => one.state === state).reduce((total, { count }) => total + count, 0);
    return sum === value<number>(sizes[at]);
  });
  if (!agree) return undefined;
  return { runners, ended, live: LIVE.map((state, at) => ({ state, ids: value<string[]>(live[at]) })) };
}

/** What a command answered; throws what went wrong with it. */
function value<Value>(answer: PromiseSettledResult<unknown> | undefined): Value {
  if (answer?.status !== 'fulfilled') throw answer?.reason;
  return answer.value as Value;
}

/** Undefined where the indexes do not agree with each other, or with the records of what has not ended. */
async function fromIndexes(parts: StoreParts, question: Question): Promise<readonly Statistics[] | undefined> {
  const looked = await look(parts);
  const live = looked && (await liveRuns(parts, question, looked));
  if (!looked || !live) return undefined;
  const { filter, since } = question;
  if (filter.state !== undefined && !isEnded(filter.state)) return live.found;
  const { runner, state, ...others } = filter;
  const isWhole = since === 0 && Object.keys(others).length === 0;
  const ended = isWhole ? await byRank(parts, question, looked) : await byEntries(parts, question, looked, live.ids);
  return ended && [...live.found, ...ended];
}

/** What has not ended: few of a state are counted by their records, many by the indexes. */
async function liveRuns(
  parts: StoreParts,
  { filter, since }: Question,
  { runners, live }: Look,
): Promise<{ readonly found: Statistics[]; readonly ids: ReadonlySet<string> } | undefined> {
  const few = live.filter(({ ids }) => ids.length <= MOST_CHECKED).flatMap(({ ids }) => ids);
  const { state: asked, ...rest } = filter;
  const checked = await summariesOf(parts, [...new Set(few)], rest);
  const ended = [...checked].flatMap(([id, run]) => (run && isEnded(run.state) ? [id] : []));
  if (ended.length > 0) {
    await Promise.all(ended.map((id) => reindex(parts, id))); // its end is being told, or a crash came in between
    return undefined;
  }
  const groups = openGroups();
  for (const run of checked.values())
    if (run && run.queuedAt >= since && (asked ?? run.state) === run.state) groups.add(run);
  const ids = new Set(few);
  const keys = indexKeys(parts.prefix);
  for (const { state } of live.filter((one) => one.ids.length > MOST_CHECKED && (asked ?? one.state) === one.state))
    for await (const page of parts.indexes.told({ ...filter, state }, since, runners.map(keys.runner)))
      for (const { id, told } of page) {
        if (ids.has(id)) continue;
        ids.add(id);
        const runner = runners[told.findIndex((score) => score !== undefined)];
        if (runner === undefined) return undefined;
        groups.add({ runner, state });
      }
  return { found: groups.found(), ids };
}

/** What has ended, of all runs or those of a runner or state: the middle is found by its place among the scores. */
async function byRank(
  { redis, prefix }: StoreParts,
  { filter }: Question,
  { ended }: Look,
): Promise<readonly Statistics[] | undefined> {
  const keys = indexKeys(prefix);
  const before = (runner: string, state: RunState) =>
    ended
      .filter((one) => one.runner === runner && scoresOf(one.state).first < scoresOf(state).first)
      .reduce((sum, { count }) => sum + count, 0);
  const wanted = ended.filter(
    ({ runner, state, count }) =>
      count > 0 && (filter.runner ?? runner) === runner && (filter.state ?? state) === state,
  );
  const [answers = []] = await inOrder(
    redis,
    wanted.flatMap(({ runner, state, count, started }): CommandLine[] => {
      const first = before(runner, state) + count - started;
      const places = [first + Math.floor(started / 2), first + started - 1];
      return places.map((place) => [
        'zrange',
        keys.outcomes(runner),
        Math.max(0, place),
        Math.max(0, place),
        'WITHSCORES',
      ]);
    }),
  );
  let isMoved = false;
  const found = wanted.map(({ runner, state, count, started }, at) => {
    const group = { runner, state, count };
    if (started === 0) return group;
    const [medianMs, longestMs] = [2 * at, 2 * at + 1].map((one) => {
      const outcome = outcomeFrom(Number(value<string[]>(answers[one])[1]));
      if (outcome?.state !== state) isMoved = true; // something has ended since the look
      return outcome?.durationMs;
    });
    return { ...group, ...omitUndefined({ medianMs, longestMs }) };
  });
  return isMoved ? undefined : found;
}

/** What has ended of those that the indexes find, but for those that had not when they were looked at. */
async function byEntries(
  { prefix, indexes }: StoreParts,
  { filter, since }: Question,
  { runners, ended }: Look,
  live: ReadonlySet<string>,
): Promise<readonly Statistics[]> {
  const keys = indexKeys(prefix);
  const groups = openGroups();
  const { state, ...others } = filter;
  const sum = (of: Look['ended']) => of.reduce((total, { count }) => total + count, 0);
  // The outcome tells the state, so the index of one that most runs are in need not be looked at.
  const isMost = 2 * sum(ended.filter((one) => one.state === state)) > sum(ended);
  const looked = isMost && Object.keys(others).length > 0 ? others : filter;
  const asked = runners.filter((runner) => (filter.runner ?? runner) === runner);
  for await (const page of indexes.told(looked, since, asked.map(keys.outcomes)))
    for (const { id, told } of page) {
      const of = told.findIndex((score) => score !== undefined);
      const [runner, score] = [asked[of], told[of]];
      const outcome = score === undefined || live.has(id) ? undefined : outcomeFrom(score);
      if (runner && outcome && (state ?? outcome.state) === outcome.state) groups.add({ runner, ...outcome });
    }
  return groups.found();
}

async function fromRecords(parts: StoreParts, { filter, since }: Question): Promise<readonly Statistics[]> {
  const groups = openGroups();
  for await (const page of allSummaries(parts, filter, since)) for (const run of page) groups.add(run);
  return groups.found();
}

/** Runs are added one by one, by runner and state. */
function openGroups() {
  const groups = new Map<string, { runner: string; state: RunState; count: number; durations: number[] }>();
  return {
    add({ runner, state, durationMs }: { runner: string; state: RunState; durationMs?: number }) {
      const key = `${state} ${runner}`;
      const group = groups.get(key) ?? { runner, state, count: 0, durations: [] };
      groups.set(key, group);
      group.count += 1;
      if (durationMs !== undefined) group.durations.push(durationMs);
    },
    found: (): Statistics[] =>
      [...groups.values()].map(({ runner, state, count, durations }) => {
        durations.sort((a, b) => a - b);
        const medianMs = durations[Math.floor(durations.length / 2)];
        return { runner, state, count, ...omitUndefined({ medianMs, longestMs: durations.at(-1) }) };
      }),
  };
}
