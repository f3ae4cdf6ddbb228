import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { Login } from './login.js';
import { refuse } from './refuse.js';

/** Where a link leads that lets a browser in. */
export const LOGIN_PATH = '/login';

/** Cookies are not bound to a port, so each server of a machine names its cookie differently. */
const cookieName = (context: Context) =>
  `agentpool-${(context.env as HttpBindings).incoming.socket.localPort ?? 'session'}`;

const setSession = (context: Context, value: string) =>
  setCookie(context, cookieName(context), value, { httpOnly: true, sameSite: 'Strict', path: '/' });

/** Follows a link: the browser gets its cookie and goes on to the overview, or a run, so that the code stays in no history. */
export function letIn(login: Login): MiddlewareHandler {
  return async (context) => {
    // What only looks whether the link is there must not use it up.
    const value = context.req.method === 'GET' ? login.enter(context.req.param('code') ?? '') : undefined;
    if (value === undefined)
      return refuse('unauthorized', 'this link was used already or is too old; agentpool token --link makes one');
    setSession(context, value);
    const to = context.req.query('to') ?? '/';
    return context.redirect(/^\/runs\/[\w-]+$/.test(to) ? to : '/', 303);
  };
}

/** A page of another port of this machine has the same cookies, and another origin. */
function isFromOurPage(context: Context): boolean {
  const origin = context.req.header('origin') ?? '';
  return URL.canParse(origin) && new URL(origin).host === context.req.header('host');
}

/** Whether a browser that was let in asks. Only for pages: nothing that a page of others could send changes anything. */
export function hasSession(context: Context, login: Login): boolean {
  const value = getCookie(context, cookieName(context));
  if (value === undefined || !(['GET', 'HEAD'].includes(context.req.method) || isFromOurPage(context))) return false;
  const { known, renewed } = login.check(value);
  if (renewed !== undefined) setSession(context, renewed);
  return known;
}
