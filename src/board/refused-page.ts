import type { MiddlewareHandler } from 'hono';
import type { ErrorBody } from '../shared/errors.js';
import { type Html, strangerPage, wrongUsePage } from './layout.js';

/** Refusals of the whole server as pages, for browsers that ask for one: programs get the body as it is. */
export const refusalsAsPages: MiddlewareHandler = async (context, next) => {
  await next();
  const { res } = context;
  const isRefusal = res.status >= 400 && res.headers.get('content-type')?.startsWith('application/json');
  if (!isRefusal || context.req.path === '/mcp' || !context.req.header('accept')?.includes('text/html')) return;
  const body = (await res.json()) as Partial<ErrorBody>;
  if (typeof body.message !== 'string') return;
  const { message, hint = '' } = body;
  const page: Html = res.status === 401 ? strangerPage(message) : wrongUsePage({ message, hint });
  const headers = new Headers(res.headers);
  headers.set('content-type', 'text/html; charset=UTF-8');
  headers.delete('content-length');
  context.res = undefined;
  context.res = new Response(String(await page), { status: res.status, headers });
};
