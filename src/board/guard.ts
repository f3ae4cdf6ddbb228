import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const LOOPBACK_ADDRESS = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopback(address: string): boolean {
  return LOOPBACK_ADDRESS.test(address);
}

const refuse = (status: number, code: string, message: string) =>
  new Response(JSON.stringify({ code, message }), {
    status,
    headers: {
      'content-type': 'application/json',
      ...(status === 401 && { 'www-authenticate': 'Bearer realm="agentpool", Basic realm="agentpool"' }),
    },
  });

/** The host name of a `Host` header or an origin, without its port. */
function nameOf(authority: string): string {
  return authority.replace(/:\d+$/, '').toLowerCase();
}

/** A name or an address as a `Host` header has it. */
const asAuthority = (name: string) => (name.includes(':') ? `[${name}]` : name).toLowerCase();

/**
 * Refuses (403) what was meant for another name, or comes from a page of a stranger: without this any web page could
 * ask a server on loopback through its visitor's browser (DNS rebinding).
 */
export function checkHostAndOrigin(allowedHosts: readonly string[]): MiddlewareHandler {
  const allowed = new Set([...LOOPBACK_NAMES, ...allowedHosts.map(asAuthority)]);
  return async (context, next) => {
    const host = context.req.header('host') ?? '';
    if (!allowed.has(nameOf(host)))
      return refuse(403, 'wrong_host', `this server is not ${host}; see AGENTPOOL_ALLOWED_HOSTS`);
    const origin = context.req.header('origin');
    if (origin !== undefined && !(URL.canParse(origin) && allowed.has(nameOf(new URL(origin).host))))
      return refuse(403, 'wrong_origin', 'pages of other origins may not ask this server');
    return next();
  };
}

/** Wants a token with a scope, as bearer or as the password of basic authentication, when there are tokens at all. */
export function checkToken(tokens: readonly string[], scope: string): MiddlewareHandler {
  const known = tokens.map((token) => {
    const [, scopes = '', hash = ''] = token.split(':');
    return { scopes: scopes.split('+'), hash: Buffer.from(hash, 'hex') };
  });
  return async (context, next) => {
    if (known.length === 0) return next();
    const given = createHash('sha256')
      .update(secretOf(context.req.header('authorization')))
      .digest();
    const found = known.filter(({ hash }) => timingSafeEqual(hash, given)); // all of them: the time tells nothing
    if (found.length === 0) return refuse(401, 'unauthorized', 'a token is needed; see AGENTPOOL_TOKENS');
    if (!found.some(({ scopes }) => scopes.includes(scope) || scopes.includes('admin')))
      return refuse(403, 'forbidden', `the token lacks the scope ${scope}`);
    return next();
  };
}

function secretOf(authorization: string | undefined): string {
  const [, kind, value = ''] = /^(Bearer|Basic) +(.+)$/i.exec(authorization ?? '') ?? [];
  if (kind?.toLowerCase() !== 'basic') return value;
  const pair = Buffer.from(value, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}
