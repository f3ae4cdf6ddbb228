import type { Context, MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { INLINE_HASHES } from './layout.js';

const NOBODY = "'none'";
const OURS = "'self'";

const shared = {
  crossOriginOpenerPolicy: false, // browsers complain about it on plain http beyond loopback
  originAgentCluster: false,
  strictTransportSecurity: false, // for whoever ends TLS in front of us to decide
  xFrameOptions: 'DENY',
} as const;

const base = { defaultSrc: [NOBODY], baseUri: [OURS], formAction: [NOBODY], frameAncestors: [NOBODY] };

/** Our pages are one document each: their own style and script, named by hash, and nothing else. */
const forOurPages = secureHeaders({
  ...shared,
  contentSecurityPolicy: {
    ...base,
    styleSrc: [INLINE_HASHES.style],
    scriptSrc: [INLINE_HASHES.script],
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

/** The headers that keep pages to themselves. Nothing is stored by the browser but the files of Bull Board. */
export function protectPages(bullBoardPath: string): MiddlewareHandler {
  const isUnder = (path: string, context: Context) =>
    context.req.path === path || context.req.path.startsWith(`${path}/`);
  return async (context, next) => {
    await (isUnder(bullBoardPath, context) ? forBullBoard : forOurPages)(context, next);
    const kept = isUnder(`${bullBoardPath}/static`, context) && context.res.ok;
    context.res.headers.set('cache-control', kept ? 'private, max-age=3600' : 'no-store');
  };
}
