import { Hono, type MiddlewareHandler } from 'hono';
import { messageOf } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { allows, type Principal, type Scope } from '../shared/principal.js';
import { asUnreachable } from '../shared/redis/connect.js';
import { BULL_BOARD_PATH, createQueuesPage } from './bull-board.js';
import { protectPages } from './headers.js';
import { failurePage } from './layout.js';
import { addPages } from './pages.js';

/** What the HTTP server hands to a page: who looks. */
export interface Looking {
  Variables: { principal: Principal };
}

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
  pages.route(BULL_BOARD_PATH, createQueuesPage(pool));
  pages.onError((thrown, context) => {
    const away = asUnreachable(thrown);
    const [code, status] = away ? (['unreachable', 503] as const) : (['defect', 500] as const);
    if (!away) pool.logger.error({ err: thrown, path: context.req.path }, 'a page failed');
    const message = messageOf(away ?? thrown);
    if (context.req.header('accept')?.includes('text/html'))
      return context.html(failurePage(away ? message : 'Something went wrong', away?.hint ?? message, true), status);
    return context.json({ code, message, ...(away && { hint: away.hint }) }, status);
  });
  return { pages, headers: protectPages(BULL_BOARD_PATH) };
}

function needs(scope: Scope): MiddlewareHandler<Looking> {
  return async (context, next) => {
    if (allows(context.get('principal'), scope)) return next();
    return context.json({ code: 'forbidden', message: `the token lacks the scope ${scope}` }, 403);
  };
}
