import { setTimeout as pause } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { ConfigError, codeOf, messageOf } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { asUnreachable } from '../shared/redis/connect.js';
import { BULL_BOARD_PATH, createQueuesPage } from './bull-board.js';
import { checkHostAndOrigin, checkToken, isLoopback } from './guard.js';
import { protectPages } from './headers.js';
import { failurePage } from './layout.js';
import { addPages } from './pages.js';

export interface StartedBoard {
  readonly url: string;
  stop(): Promise<void>;
}

/** A probe is answered within this time (ms), whatever Redis does. */
const READY_WITHIN_MS = 2_000;

/** What a person looks at in a browser, over HTTP. Loopback only, unless there are tokens. */
export async function startBoard(pool: Pool): Promise<StartedBoard> {
  const { config } = pool;
  if (!isLoopback(config.bind) && config.tokens.length === 0)
    throw new ConfigError([
      `AGENTPOOL_BIND: ${config.bind} can be reached from elsewhere, so AGENTPOOL_TOKENS is needed`,
    ]);
  return listen(createApp(pool), config.bind, config.port);
}

function createApp(pool: Pool): Hono {
  const { config, logger } = pool;
  const app = new Hono();
  app.use(protectPages(BULL_BOARD_PATH));
  // Before all checks: a probe asks by whatever address it has, and learns nothing else.
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', async (context) => {
    const problem = await readiness(pool);
    return problem === undefined ? context.json({ ok: true }) : context.json({ ok: false, problem }, 503);
  });
  app.use(checkHostAndOrigin([...config.allowedHosts, config.bind]));
  app.use(checkToken(config.tokens, 'read'));
  addPages(app, pool);
  app.route(BULL_BOARD_PATH, createQueuesPage(pool));
  app.notFound((context) =>
    context.json({ code: 'not_found', message: `there is nothing at ${context.req.path}` }, 404),
  );
  app.onError((thrown, context) => {
    const away = asUnreachable(thrown);
    const [code, status] = away ? (['unreachable', 503] as const) : (['defect', 500] as const);
    if (!away) logger.error({ err: thrown, path: context.req.path }, 'a page failed');
    const message = messageOf(away ?? thrown);
    if (context.req.header('accept')?.includes('text/html'))
      return context.html(failurePage(away ? message : 'Something went wrong', away?.hint ?? message, true), status);
    return context.json({ code, message, ...(away && { hint: away.hint }) }, status);
  });
  return app;
}

/** Why requests cannot be answered now; undefined when they can. */
async function readiness(pool: Pool): Promise<string | undefined> {
  const asked = pool
    .ready()
    .then(() => pool.health())
    .then(
      () => undefined,
      (error: unknown) => messageOf(asUnreachable(error) ?? error),
    );
  const late = pause(READY_WITHIN_MS, `Redis has not answered within ${READY_WITHIN_MS} ms`, { ref: false });
  return Promise.race([asked, late]);
}

/** Where a browser on this machine finds what listens on an address; wildcards are no place to go to. */
function urlOf(address: string, port: number): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** What the operator can mend about an address that cannot be listened on. */
function listenProblem(error: unknown, hostname: string, port: number): string | undefined {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `AGENTPOOL_PORT: port ${port} is taken; choose another, or 0 for a free one`;
    case 'EACCES':
      return `AGENTPOOL_PORT: this user may not listen on port ${port}; choose one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `AGENTPOOL_BIND: ${hostname} is no address of this machine`;
    default:
      return undefined;
  }
}

function listen(app: Hono, hostname: string, port: number): Promise<StartedBoard> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, ({ address, port: bound }) => {
      resolve({
        url: urlOf(address, bound),
        stop: () =>
          new Promise<void>((done) => {
            server.close(() => done());
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
    server.once('error', (error) => {
      const problem = listenProblem(error, hostname, port);
      reject(problem === undefined ? error : new ConfigError([problem]));
    });
  });
}
