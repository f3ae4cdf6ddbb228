import { type ErrorHandler, Hono, type MiddlewareHandler } from 'hono';
import { bodyOf, ERRORS, messageOf, UserError } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { allows, type Scope } from '../shared/principal.js';
import { asUnreachable } from '../shared/redis/connect.js';
import { protectPages } from './headers.js';
import { failurePage } from './layout.js';
import { addPages, type Looking } from './pages.js';

const BULL_BOARD_PATH = '/queues';

export interface Board {
  readonly pages: Hono<Looking>;
  /** The headers of every answer of the server. */
  readonly headers: MiddlewareHandler;
}

/** What a person looks at in a browser. Bull Board shows the jobs of everybody, so it is for administrators. */
export function createBoard(pool: Pool): Board {
  const pages = new Hono<Looking>();
  pages.use('/', needs('read'));
  pages.use('/runs/*', needs('read'));
  pages.use(`${BULL_BOARD_PATH}/*`, needs('admin'));
  addPages(pages, pool);
  let bullBoard: Promise<Hono> | undefined;
  pages.all(`${BULL_BOARD_PATH}/*`, async (context) => {
    bullBoard ??= loadBullBoard(pool);
    return (await bullBoard).fetch(context.req.raw, context.env);
  });
  pages.onError(failureOf(pool));
  return { pages, headers: protectPages(BULL_BOARD_PATH) };
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
    const status = away ? 503 : 500;
    if (!away) pool.logger.error({ err: thrown, path: context.req.path }, 'a page failed');
    const message = messageOf(away ?? thrown);
    if (context.req.header('accept')?.includes('text/html'))
      return context.html(failurePage(away ? message : 'Something went wrong', away?.hint ?? message, true), status);
    return context.json(body, status);
  };
}

function needs(scope: Scope): MiddlewareHandler<Looking> {
  return async (context, next) => {
    if (allows(context.get('principal'), scope)) return next();
    return context.json(
      bodyOf(new UserError('forbidden', `the token lacks the scope ${scope}`, ERRORS.forbidden)),
      403,
    );
  };
}
