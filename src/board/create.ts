import { type ErrorHandler, Hono, type MiddlewareHandler } from 'hono';
import { bodyOf, ERRORS, type ErrorBody, messageOf, UserError } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import { protectPages } from './headers.js';
import { failurePage, wrongUsePage } from './layout.js';
import type { Looking } from './looking.js';
import { needs } from './needs.js';
import { addOverview } from './overview-route.js';
import { pageScript } from './page-script.js';
import { addPoolPages } from './pool-routes.js';
import { refusalsAsPages } from './refused-page.js';
import { addRunPages } from './run-routes.js';

const BULL_BOARD_PATH = '/queues';

export interface Board {
  readonly pages: Hono<Looking>;
  /** The headers of every answer of the server. */
  readonly headers: MiddlewareHandler;
  /** Shows refusals of the server to browsers. */
  readonly refusals: MiddlewareHandler;
}

/** What a person looks at in a browser. Bull Board shows the jobs of everybody, so it is for administrators. */
export function createBoard(pool: Pool): Board {
  const pages = new Hono<Looking>();
  pages.use('/', needs('read'));
  for (const path of ['/runs/*', '/bulk', '/hosts/*']) pages.use(path, fromOurPages);
  for (const path of ['/runs/*', '/bulk', '/workers', '/agents', '/usage', '/assets/*']) pages.use(path, needs('read'));
  for (const path of ['/hosts/*', `${BULL_BOARD_PATH}/*`]) pages.use(path, needs('admin'));
  addOverview(pages, pool);
  addRunPages(pages, pool);
  addPoolPages(pages, pool);
  pages.get('/assets/*', (context, next) => {
    const { path, text } = pageScript();
    if (context.req.path !== path) return next();
    return context.body(text, 200, { 'content-type': 'text/javascript; charset=utf-8' });
  });
  let bullBoard: Promise<Hono> | undefined;
  pages.all(`${BULL_BOARD_PATH}/*`, async (context) => {
    bullBoard ??= loadBullBoard(pool);
    return (await bullBoard).fetch(context.req.raw, context.env);
  });
  pages.onError(failureOf(pool));
  return { pages, headers: protectPages(BULL_BOARD_PATH), refusals: refusalsAsPages };
}

/** Loaded with the first look at it: it is a fifth of the memory of a server that only answers MCP. */
async function loadBullBoard(pool: Pool): Promise<Hono> {
  const { createQueuesPage } = await import('./bull-board.js');
  const app = new Hono().route(BULL_BOARD_PATH, createQueuesPage(pool, BULL_BOARD_PATH));
  app.onError(failureOf(pool));
  return app;
}

function failureOf(pool: Pool): ErrorHandler {
  return (thrown, context) => {
    const away = asUnreachable(thrown);
    const body = bodyOf(away ?? thrown);
    const isPage = context.req.header('accept')?.includes('text/html');
    if (thrown instanceof UserError) {
      const status = thrown.code === 'unknown_run' ? 404 : 400;
      return isPage ? context.html(wrongUsePage(thrown), status) : context.json(body, status);
    }
    const status = away ? 503 : 500;
    if (!away) pool.logger.error({ err: thrown, path: context.req.path }, 'a page failed');
    const message = messageOf(away ?? thrown);
    if (isPage)
      return context.html(failurePage(away ? message : 'Something went wrong', away?.hint ?? message, true), status);
    return context.json(body, status);
  };
}

/** Browsers send what lets them in with every request: what changes anything has to come from a page of this server. */
const fromOurPages: MiddlewareHandler<Looking> = async (context, next) => {
  if (['GET', 'HEAD'].includes(context.req.method)) return next();
  const origin = context.req.header('origin') ?? '';
  if (URL.canParse(origin) && new URL(origin).host === context.req.header('host')) return next();
  const message = 'only a page of this server may ask for a change';
  return context.json({ code: 'wrong_origin', message, hint: ERRORS.wrong_origin.hint } satisfies ErrorBody, 403);
};
