import type { Context, Hono } from 'hono';
import { agentsInFull, listOfAgents } from '../client/agents.js';
import { statusOfPool } from '../client/pool-status.js';
import { removedInWords, removeHost } from '../client/remove-host.js';
import { usageOf } from '../client/usage.js';
import type { Pool } from '../shared/pool.js';
import { allows } from '../shared/principal.js';
import { readDuration } from '../shared/read-time.js';
import { agentsPage } from './agents-page.js';
import { callerOf, type Looking } from './looking.js';
import { usagePage } from './usage-page.js';
import { workersPage } from './workers-page.js';

const WEEK = '7d';
const WEEK_MS = 7 * 86_400_000;
const LONGEST_MS = 31 * 86_400_000;

/** The pages about the pool: who works, which agents are stored, what it all comes to. */
export function addPoolPages(app: Hono<Looking>, pool: Pool): void {
  app.post('/hosts/:host/remove', async (context) => {
    await pool.ready();
    const removed = await removeHost(callerOf(pool, context), context.req.param('host'));
    const notice = `${removed.host} is removed: ${removedInWords(removed, 'were')}.`;
    return context.html(await shownWorkers(pool, context, notice));
  });
  app.get('/workers', async (context) => {
    await pool.ready();
    return context.html(await shownWorkers(pool, context));
  });
  app.get('/agents', async (context) => {
    await pool.ready();
    const caller = callerOf(pool, context);
    // A system prompt is for administrators, as it is in the tools.
    const list = allows(caller.principal, 'admin') ? agentsInFull(caller) : listOfAgents(caller);
    const [{ agents, unreadable = [] }, { byAgent }] = await Promise.all([list, usageOf(caller, WEEK_MS)]);
    return context.html(agentsPage({ agents, unreadable, tallies: byAgent }));
  });
  app.get('/usage', async (context) => {
    await pool.ready();
    const asked = context.req.query('last') ?? WEEK;
    const lastMs = Math.min(LONGEST_MS, readDuration(asked) || WEEK_MS);
    return context.html(usagePage(await usageOf(callerOf(pool, context), lastMs), asked));
  });
}

async function shownWorkers(pool: Pool, context: Context<Looking>, notice = '') {
  const caller = callerOf(pool, context);
  const [{ workers, queues, limits }, now] = await Promise.all([statusOfPool(caller), pool.runs.now()]);
  const mayRemove = allows(caller.principal, 'admin');
  return workersPage({ workers, queues, limits: limits.runners, now, notice, mayRemove });
}
