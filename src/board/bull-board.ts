import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { ERRORS, type ErrorBody } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { BULL_BOARD_UI } from './bull-board-ui.js';
import { servedBy } from './served.js';

/** Its page loads a font from a third party, which would learn who views which pool. */
const FOREIGN_LINK = /<link [^>]*href="https?:[^>]*>/g;

/**
 * Bull Board over all queues, read-only: a retry would give a prompt to a program a second time. Jobs hold no prompts;
 * the formatter keeps it so for whatever else may be put into a queue. Queues that are new show at the next look.
 */
export function createQueuesPage(pool: Pool, path: string): Hono {
  const adapter = new HonoAdapter(serveStatic);
  adapter.setBasePath(path);
  const board = createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig: BULL_BOARD_UI } });
  const shown = new Set<string>();

  async function showNewQueues(): Promise<void> {
    for (const name of await pool.queues.names()) {
      if (shown.has(name)) continue;
      shown.add(name);
      board.addQueue(readOnlyQueue(pool, name));
    }
  }

  const page = new Hono();
  page.use(async (context, next) => {
    if (!['GET', 'HEAD'].includes(context.req.method))
      return context.json(
        { code: 'read_only', message: 'queues can be looked at only', hint: ERRORS.read_only.hint } satisfies ErrorBody,
        405,
      );
    if (context.req.path.startsWith(`${path}/api/`)) {
      await pool.ready();
      await showNewQueues();
    }
    await next();
    if (!context.res.headers.get('content-type')?.startsWith('text/html')) return;
    context.res = new Response((await context.res.text()).replace(FOREIGN_LINK, ''), context.res);
  });
  return page.route('/', adapter.registerPlugin() as unknown as Hono);
}

function readOnlyQueue(pool: Pool, name: string): BullMQAdapter {
  const queue = new BullMQAdapter(pool.queues.bullQueue(name), {
    readOnlyMode: true,
    allowRetries: false,
    externalJobUrl: ({ id }) => ({ href: `/runs/${id}`, displayText: 'The run and its output' }),
  });
  queue.setFormatter('data', ({ prompt: _, ...data }: Record<string, unknown>) => data);
  // No run is made of other jobs, so there is never one that waits for them.
  const statuses = queue.getJobStatuses().filter((status) => status !== 'waiting-children');
  queue.getJobStatuses = () => statuses;
  // Its own way lists the clients of Redis, which a least-privilege user may not; heartbeats say it better.
  queue.getWorkers = async () =>
    servedBy(await pool.workers.list(), name).map(({ id, host, startedAt, lastHeartbeatAt }) => ({
      id,
      name: id,
      addr: host,
      age: Math.round((lastHeartbeatAt - startedAt) / 1000),
    }));
  return queue;
}
