import { isEnded, RUN_STATES } from '../run-state.js';
import { oldestPages } from './index-pages.js';
import { type PlacedRun, tookOf } from './indexes.js';
import { indexKeys } from './keys.js';
import { scoreOf } from './outcomes.js';
import type { StoreParts } from './parts.js';
import { readFields } from './read-fields.js';
import { readRun } from './record.js';

const FIELDS = ['runner', 'state', 'queuedAt', 'host', 'startedAt', 'endedAt'];
/** A record is written this soon (ms) after its entries in the indexes. */
const WRITTEN_WITHIN_MS = 60_000;

/** Puts a run into the indexes that its record says; used by the sweep after a crash in between. */
export async function reindex({ redis, keysOf, indexes }: StoreParts, id: string): Promise<void> {
  for (let run = await readRun(redis, keysOf(id).run); run; ) {
    await indexes.move(run);
    const now = await readRun(redis, keysOf(id).run);
    if (now?.state === run.state && now.host === run.host) return;
    run = now; // it has changed meanwhile, and whoever follows that may have come before us
  }
}

/**
 * Compares all indexes of states, outcomes and hosts with the records, and puts right what differs: what a crash came in
 * between, what a Redis that crashed has forgotten, and what a release has written that knew no outcomes. Runs whose record is
 * gone are forgotten.
 */
export async function putIndexesRight(parts: StoreParts): Promise<void> {
  const { redis, prefix, indexes, now } = parts;
  const keys = indexKeys(prefix);
  const written = (await now()) - WRITTEN_WITHIN_MS;
  const runners = new Set<string>();
  for await (const page of oldestPages(redis, keys.all)) {
    const records = await recordsOf(
      parts,
      page.map(({ id }) => id),
    );
    const gone = page.filter(({ id, queuedAt }) => queuedAt < written && !records.has(id));
    await indexes.forget(gone.map(({ id }) => id));
    for (const { runner } of records.values()) runners.add(runner);
    for (const id of await differing(parts, [...records.values()])) await reindex(parts, id);
  }
  if (runners.size > 0) await redis.sadd(keys.runners, ...runners);
  for (const state of RUN_STATES) await strays(parts, keys.state(state), written);
  for (const runner of await redis.smembers(keys.runners)) await strays(parts, keys.outcomes(runner), undefined);
  await leaveHosts(parts);
}

/** What the records say, of those that are there. */
async function recordsOf(parts: StoreParts, ids: readonly string[]): Promise<ReadonlyMap<string, PlacedRun>> {
  const rows = await readFields(parts, ids, FIELDS);
  return new Map(
    ids.flatMap((id, at) => {
      const [runner, state, queuedAt, host, startedAt, endedAt] = rows[at] ?? [];
      const known = RUN_STATES.find((one) => one === state);
      if (!runner || !known) return [];
      const run = { id, runner, state: known, queuedAt: Number(queuedAt), ...(host && { host }) };
      const times = {
        ...(startedAt && { startedAt: Number(startedAt) }),
        ...(endedAt && { endedAt: Number(endedAt) }),
      };
      return [[id, { ...run, ...times }]];
    }),
  );
}

/** The ids of those of which an index says something else than the record. */
async function differing({ redis, prefix }: StoreParts, runs: readonly PlacedRun[]): Promise<string[]> {
  if (runs.length === 0) return [];
  const keys = indexKeys(prefix);
  const ids = runs.map(({ id }) => id);
  const scoresIn = async (names: Iterable<string>, keyOf: (name: string) => string) => {
    const asked = [...new Set(names)].map(async (name) => [name, await redis.zmscore(keyOf(name), ...ids)] as const);
    return new Map(await Promise.all(asked));
  };
  const [states, outcomes, hosts] = await Promise.all([
    scoresIn(RUN_STATES, keys.state),
    scoresIn(
      runs.map(({ runner }) => runner),
      keys.outcomes,
    ),
    scoresIn(
      runs.flatMap(({ host }) => host ?? []),
      keys.host,
    ),
  ]);
  const isRight = (run: PlacedRun, at: number) => {
    const outcome = outcomes.get(run.runner)?.[at] ?? null;
    const expected = isEnded(run.state) ? scoreOf({ state: run.state, ...tookOf(run) }) : null;
    return (
      RUN_STATES.every((state) => (states.get(state)?.[at] != null) === (state === run.state)) &&
      (outcome === null ? expected === null : Number(outcome) === expected) &&
      (run.host === undefined || hosts.get(run.host)?.[at] != null)
    );
  };
  return runs.flatMap((run, at) => (isRight(run, at) ? [] : [run.id]));
}

/** Entries that the index of all runs does not lead to: they get back into it, or go where there is no record. */
async function strays(parts: StoreParts, index: string, before: number | undefined): Promise<void> {
  const { redis, prefix, indexes } = parts;
  const { all } = indexKeys(prefix);
  for await (const page of oldestPages(redis, index, before)) {
    const ids = page.map(({ id }) => id);
    const known = await redis.zmscore(all, ...ids);
    const astray = ids.filter((_, at) => known[at] === null);
    const records = await recordsOf(parts, astray);
    await indexes.forget(astray.filter((id) => !records.has(id)));
    for (const { id, queuedAt } of records.values()) {
      await redis.zadd(all, queuedAt, id);
      await reindex(parts, id);
    }
  }
}

/** Takes runs out of the indexes of hosts that they have left. */
async function leaveHosts(parts: StoreParts): Promise<void> {
  const { redis, prefix } = parts;
  const keys = indexKeys(prefix);
  const named = await redis.smembers(keys.named);
  for (const index of named.filter((name) => name.startsWith(keys.host('')))) {
    const host = index.slice(keys.host('').length);
    for await (const page of oldestPages(redis, index)) {
      const records = await recordsOf(
        parts,
        page.map(({ id }) => id),
      );
      const left = [...records.values()].filter((run) => run.host !== host).map(({ id }) => id);
      if (left.length > 0) await redis.zrem(index, ...left);
    }
  }
}
