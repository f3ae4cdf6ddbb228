import type { Context, Hono } from 'hono';
import { searchRuns } from '../client/search-runs.js';
import type { Span } from '../client/usage.js';
import { workerFactsFor } from '../client/worker-facts.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import { allows, type Principal } from '../shared/principal.js';
import { RUN_STATES, type RunState } from '../shared/run-state.js';
import { changeRuns } from './change-run.js';
import { readFilter, type ShownFilter } from './filter.js';
import { callerOf, type Looking } from './looking.js';
import { overviewPage } from './overview.js';
import { createRecentRuns } from './recent-runs.js';
import type { ListedRun } from './tables.js';

const PAGE_RUNS = 25;
/** What runs is shown before the latest ones, as far as a page can hold it. */
const MOST_RUNNING = 50;

/** The overview: the runs that match the filters in the address, and the actions of its form on the ticked ones. */
export function addOverview(app: Hono<Looking>, pool: Pool): void {
  const recentRuns = createRecentRuns();
  app.post('/bulk', async (context) => {
    await pool.ready();
    return changeRuns(context, callerOf(pool, context));
  });
  app.get('/', async (context) => {
    await pool.ready();
    const recent = recentRuns(callerOf(pool, context));
    return context.html(await overview(pool, context, readFilter(context.req.query()), recent));
  });
}

async function overview(pool: Pool, context: Context<Looking>, filter: ShownFilter, recent: Promise<readonly Span[]>) {
  const who = context.get('principal');
  const [workers, queues, { runs, nextCursor }, byState, redis, now, spans] = await Promise.all([
    pool.workers.list(),
    pool.queues.counts(),
    shownRuns(pool, context, filter),
    countsFor(pool, who),
    pool.health(),
    pool.runs.now(),
    recent,
  ]);
  return overviewPage({
    spans,
    workers,
    queues,
    runs,
    byState,
    redis,
    now,
    filter,
    principal: who,
    ...omitUndefined({ nextCursor }),
  });
}

/** How many runs there are in each state; for others than administrators, of those that they may see. */
async function countsFor(pool: Pool, who: Principal): Promise<Record<RunState, number>> {
  const none = Object.fromEntries(RUN_STATES.map((state) => [state, 0])) as Record<RunState, number>;
  if (allows(who, 'admin')) {
    const all = RUN_STATES.map(async (state) => [state, await pool.runs.indexes.count(state)] as const);
    return { ...none, ...Object.fromEntries(await Promise.all(all)) };
  }
  for (const { state, count } of await pool.runs.statistics({ principal: who.name })) none[state] += count;
  return none;
}

/** What matches; without any filter what runs now, then the latest of the others. */
async function shownRuns(pool: Pool, context: Context<Looking>, filter: ShownFilter) {
  const caller = callerOf(pool, context);
  const { query, isEmpty } = filter;
  const since = query.sinceMs === undefined ? undefined : (await pool.runs.now()) - query.sinceMs;
  const found = await searchRuns(caller, { ...query.search, limit: PAGE_RUNS, ...omitUndefined({ since }) });
  if (!isEmpty) return { ...found, runs: await withWaits(pool, found.runs) };
  const running = await searchRuns(caller, { status: 'running', limit: MOST_RUNNING });
  const first = new Set(running.runs.map(({ run }) => run.id));
  const others = found.runs.filter(({ run }) => !first.has(run.id));
  return { ...found, runs: await withWaits(pool, [...running.runs, ...others]) };
}

/** Adds why the queued ones wait. */
async function withWaits(pool: Pool, runs: readonly Omit<ListedRun, 'waits'>[]): Promise<ListedRun[]> {
  const factsOf = await workerFactsFor(
    pool,
    runs.map(({ run }) => run),
  );
  return runs.map((listed) => ({ ...listed, ...omitUndefined({ waits: factsOf(listed.run).waitingFor?.message }) }));
}
