import type { Hono } from 'hono';
import { seenBy } from '../client/find-run.js';
import { workerFactsFor } from '../client/worker-facts.js';
import type { Pool } from '../shared/pool.js';
import { allows, maySee, type Principal } from '../shared/principal.js';
import type { Run } from '../shared/run.js';
import { RUN_STATES, type RunState } from '../shared/run-state.js';
import { failurePage } from './layout.js';
import { overviewPage } from './overview.js';
import { runPage, TAIL_BYTES } from './run-page.js';

/** What the HTTP server hands to a page: who looks. */
export interface Looking {
  Variables: { principal: Principal };
}

const LATEST_RUNS = 25;
/** Who sees only his own runs is told of so many of the latest. */
const MOST_COUNTED = 200;
/** What runs is shown before the latest ones, as far as a page can hold it. */
const MOST_RUNNING = 50;

/** Our own pages: the overview at `/`, one page per run at `/runs/:id`. */
export function addPages(app: Hono<Looking>, pool: Pool): void {
  app.get('/', async (context) => {
    const only = RUN_STATES.find((state) => state === context.req.query('state'));
    await pool.ready();
    const [workers, queues, runs, counts, redis, now] = await Promise.all([
      pool.workers.list(),
      pool.queues.counts(),
      shownRuns(pool, context.get('principal'), only),
      countsFor(pool, context.get('principal')),
      pool.health(),
      pool.runs.now(),
    ]);
    return context.html(overviewPage({ workers, queues, runs, byState: counts, redis, now, ...(only && { only }) }));
  });

  app.get('/runs/:id', async (context) => {
    const id = context.req.param('id');
    await pool.ready();
    const run = await pool.runs.get(id);
    if (!run || !maySee(context.get('principal'), run.principal)) {
      const what = `There is no run ${id}, or its record is not kept any more.`;
      return context.html(failurePage('No such run', what), 404);
    }
    const [tail, result, queuePosition, now, factsOf] = await Promise.all([
      pool.runs.tail(id, TAIL_BYTES, undefined),
      pool.runs.result(id),
      run.state === 'queued' ? pool.queues.position(id, run.queue) : undefined,
      pool.runs.now(),
      workerFactsFor(pool, [run]),
    ]);
    const shown = { run, worker: factsOf(run), tail: tail.bytes, now, ...(result !== undefined && { result }) };
    return context.html(runPage({ ...shown, ...(queuePosition !== undefined && { queuePosition }) }));
  });
}

/** How many runs there are in each state; for who is no administrator those of his latest that he may see. */
async function countsFor(pool: Pool, who: Principal): Promise<Record<RunState, number>> {
  const none = Object.fromEntries(RUN_STATES.map((state) => [state, 0])) as Record<RunState, number>;
  if (allows(who, 'admin')) {
    const all = RUN_STATES.map(async (state) => [state, await pool.runs.indexes.count(state)] as const);
    return { ...none, ...Object.fromEntries(await Promise.all(all)) };
  }
  for (const { state } of await pool.runs.list({ principal: who.name }, MOST_COUNTED)) none[state] += 1;
  return none;
}

/** What runs now, then the latest of the others; or the latest of one state. */
async function shownRuns(pool: Pool, who: Principal, only: RunState | undefined): Promise<Run[]> {
  const seen = seenBy(who);
  if (only) return pool.runs.list({ ...seen, state: only }, LATEST_RUNS);
  const [running, latest] = await Promise.all([
    pool.runs.list({ ...seen, state: 'running' }, MOST_RUNNING),
    pool.runs.list(seen, LATEST_RUNS),
  ]);
  const first = new Set(running.map(({ id }) => id));
  return [...running, ...latest.filter(({ id }) => !first.has(id))];
}
