import type { Context, MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { STYLE_HASH } from './layout.js';

const NOBODY = "'none'";
const OURS = "'self'";

const shared = {
  crossOriginOpenerPolicy: false, // browsers complain about it on plain http beyond loopback
  originAgentCluster: false,
  strictTransportSecurity: false, // for whoever ends TLS in front of us to decide
  xFrameOptions: 'DENY',
  referrerPolicy: 'same-origin', // with none at all, browsers do not say where a form comes from
} as const;

const base = { defaultSrc: [NOBODY], baseUri: [OURS], formAction: [NOBODY], frameAncestors: [NOBODY] };

/** Our pages have their own style, named by hash, and one script; nothing else runs, loads or is sent anywhere. */
const forOurPages = secureHeaders({
  ...shared,
  contentSecurityPolicy: {
    ...base,
    styleSrc: [STYLE_HASH],
    scriptSrc: [OURS],
    formAction: [OURS],
    connectSrc: [OURS],
    imgSrc: ['data:'],
  },
});

/** Bull Board writes styles into its page; scripts and data come from this server alone. */
const forBullBoard = secureHeaders({
  ...shared,
  contentSecurityPolicy: {
    ...base,
    styleSrc: [OURS, "'unsafe-inline'"],
    scriptSrc: [OURS],
    workerSrc: [OURS],
    connectSrc: [OURS],
    fontSrc: [OURS],
    imgSrc: [OURS, 'data:'],
  },
});

/** The headers that keep pages to themselves. Nothing is stored by the browser but scripts and the files of Bull Board. */
export function protectPages(bullBoardPath: string): MiddlewareHandler {
  const isUnder = (path: string, context: Context) =>
    context.req.path === path || context.req.path.startsWith(`${path}/`);
  return async (context, next) => {
    await (isUnder(bullBoardPath, context) ? forBullBoard : forOurPages)(context, next);
    const isFile = isUnder(`${bullBoardPath}/static`, context) || isUnder('/assets', context);
    const kept = isFile && context.res.ok;
    context.res.headers.set('cache-control', kept ? 'private, max-age=3600' : 'no-store');
  };
}
