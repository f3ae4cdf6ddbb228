import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { ConfigError, messageOf } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { createQueuesPage } from './bull-board.js';
import { checkHostAndOrigin, checkToken, isLoopback } from './guard.js';
import { overviewPage } from './overview.js';

export interface StartedBoard {
  readonly url: string;
  stop(): Promise<void>;
}

/** How often new queues are looked for (ms). */
const REFRESH_EVERY_MS = 2_000;
const LATEST_RUNS = 25;

/** What a person looks at in a browser, over HTTP. Loopback only, unless there are tokens. */
export async function startBoard(pool: Pool): Promise<StartedBoard> {
  const { config, logger } = pool;
  if (!isLoopback(config.bind) && config.tokens.length === 0)
    throw new ConfigError([
      `AGENTPOOL_BIND: ${config.bind} can be reached from elsewhere, so AGENTPOOL_TOKENS is needed`,
    ]);
  const queues = createQueuesPage(pool);
  await queues.refresh();
  const app = createApp(pool, queues);
  const server = await listen(app, config.bind, config.port);
  const timer = setInterval(() => {
    queues.refresh().catch((error: unknown) => logger.debug({ err: error }, 'the queues could not be listed'));
  }, REFRESH_EVERY_MS);
  return {
    url: server.url,
    async stop() {
      clearInterval(timer);
      await server.stop();
    },
  };
}

function createApp(pool: Pool, queues: ReturnType<typeof createQueuesPage>): Hono {
  const { config, logger } = pool;
  const app = new Hono();
  app.use(checkHostAndOrigin(config.allowedHosts));
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', async (context) => {
    const problem = await pool.ready().then(() => undefined, messageOf);
    return problem === undefined ? context.json({ ok: true }) : context.json({ ok: false, problem }, 503);
  });
  app.use(checkToken(config.tokens, 'read'));
  app.get('/', async (context) => {
    await pool.ready();
    const [workers, counts, runs, now] = await Promise.all([
      pool.workers.list(),
      pool.queues.counts(),
      pool.runs.list({}, LATEST_RUNS),
      pool.runs.now(),
    ]);
    return context.html(overviewPage({ workers, queues: counts, runs, now }));
  });
  app.route('/queues', queues.routes());
  app.notFound((context) =>
    context.json({ code: 'not_found', message: `there is nothing at ${context.req.path}` }, 404),
  );
  app.onError((error, context) => {
    logger.error({ err: error, path: context.req.path }, 'a page failed');
    return context.json({ code: 'unavailable', message: messageOf(error) }, 503);
  });
  return app;
}

function listen(app: Hono, hostname: string, port: number): Promise<{ url: string; stop(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, ({ address, port: bound }) => {
      const host = address.includes(':') ? `[${address}]` : address;
      resolve({
        url: `http://${host}:${bound}`,
        stop: () =>
          new Promise<void>((done) => {
            server.close(() => done());
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        taken ? new ConfigError([`AGENTPOOL_PORT: port ${port} is taken; choose another, or 0 for a free one`]) : error,
      );
    });
  });
}
