import { isIPv6 } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { refuse } from './refuse.js';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const LOOPBACK_ADDRESS = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopback(address: string): boolean {
  return LOOPBACK_ADDRESS.test(address);
}

/** The host name of a `Host` header or an origin, without its port. */
function nameOf(authority: string): string {
  return authority.replace(/:\d+$/, '').toLowerCase();
}

/** A name of AGENTPOOL_ALLOWED_HOSTS as browsers send it: in lower case and ASCII, without a port, IPv6 in brackets. */
function allowedName(given: string): string {
  const authority = isIPv6(given) ? `[${given}]` : given;
  return URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`).hostname : authority;
}

/**
 * Refuses (403) what was meant for another name, or comes from a page of a stranger: without this any web page could
 * ask a server on loopback through its visitor's browser (DNS rebinding).
 */
export function checkHostAndOrigin(allowedHosts: readonly string[]): MiddlewareHandler {
  const allowed = new Set([...LOOPBACK_NAMES, ...allowedHosts.map(allowedName)]);
  return async (context, next) => {
    const host = context.req.header('host') ?? '';
    if (!allowed.has(nameOf(host)))
      return refuse('wrong_host', `this server is not ${host}; see AGENTPOOL_ALLOWED_HOSTS`);
    const origin = context.req.header('origin');
    if (origin !== undefined && !(URL.canParse(origin) && allowed.has(nameOf(new URL(origin).host))))
      return refuse('wrong_origin', 'pages of other origins may not ask this server');
    return next();
  };
}
