import type { Hono } from 'hono';
import { agentsInFull, listOfAgents } from '../client/agents.js';
import { statusOfPool } from '../client/pool-status.js';
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
  app.get('/workers', async (context) => {
    await pool.ready();
    const [{ workers, queues, limits }, now] = await Promise.all([
      statusOfPool(callerOf(pool, context)),
      pool.runs.now(),
    ]);
    return context.html(workersPage({ workers, queues, limits: limits.runners, now }));
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
