import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Hono } from 'hono';
import type { Pool } from '../shared/pool.js';

const BULL_BOARD_PATH = '/queues';

/**
 * Bull Board over all queues, read-only: a retry would give a prompt to a program a second time. Jobs hold no prompts;
 * the formatter keeps it so for whatever else may be put into a queue. `refresh` shows queues that are new.
 */
export function createQueuesPage(pool: Pool): { routes: () => Hono; refresh: () => Promise<void> } {
  const adapter = new HonoAdapter(serveStatic);
  adapter.setBasePath(BULL_BOARD_PATH);
  const board = createBullBoard({
    queues: [],
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'agentpool' } },
  });
  const shown = new Set<string>();
  return {
    routes: () => adapter.registerPlugin() as unknown as Hono,
    async refresh() {
      for (const name of await pool.queues.names()) {
        if (shown.has(name)) continue;
        shown.add(name);
        const queue = new BullMQAdapter(pool.queues.bullQueue(name), { readOnlyMode: true, allowRetries: false });
        queue.setFormatter('data', ({ prompt: _, ...data }: Record<string, unknown>) => data);
        board.addQueue(queue);
      }
    },
  };
}
