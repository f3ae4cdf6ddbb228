import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../shared/config/load.js';
import type { Logger } from '../shared/logger.js';
import { LOCAL, type Principal, type Scope } from '../shared/principal.js';
import { refuse } from './refuse.js';
import { openTokens } from './tokens.js';

/** What an ordinary client needs, and so asks for; a person may ask for more. */
export const ORDINARY_SCOPES: readonly Scope[] = ['read', 'run', 'kill'];

/** The document in which OAuth clients find the issuer of tokens (RFC 9728). */
export const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';

/** The principal that sends a request, by its `Authorization` header; or the refusal. */
export type Authenticate = (authorization: string | undefined, origin: string) => Promise<Principal | Response>;

/** A bearer token of AGENTPOOL_TOKENS, also as the password of basic authentication, or one of the issuer. */
export function openAuthentication(config: Config, logger: Logger, localToken: () => string): Authenticate {
  const { tokens, oidcIssuer: issuer, oidcAudience: audience = '', oidcScopeClaim: scopeClaim } = config;
  if (isLocalOnly(config)) return localAuthentication(localToken);
  const find = openTokens(tokens);
  // Loaded only where there is an issuer.
  const verify =
    issuer === undefined
      ? undefined
      : import('./issuer.js').then(({ openIssuer }) =>
          openIssuer({ issuer, audience, scopeClaim, scopes: config.oidcScopes }),
        );

  const challenge = (origin: string, error = '') => ({
    'www-authenticate':
      issuer === undefined
        ? 'Bearer realm="agentpool", Basic realm="agentpool"'
        : `Bearer realm="agentpool"${error}, resource_metadata="${origin}${RESOURCE_METADATA}/mcp", scope="${ORDINARY_SCOPES.join(' ')}", Basic realm="agentpool"`,
  });

  return async (authorization, origin) => {
    const secret = secretOf(authorization);
    if (secret === '') return refuse('unauthorized', 'a token is needed; see AGENTPOOL_TOKENS', challenge(origin));
    const known = find(secret);
    if (known) return known;
    const badToken = (problem: string) =>
      refuse(
        'unauthorized',
        problem,
        challenge(origin, `, error="invalid_token", error_description="${problem.replaceAll(/[^\w .:,-]/g, '')}"`),
      );
    if (!verify || secret.split('.').length !== 3) return badToken('nobody has this token');
    try {
      const verified = await (await verify)(secret);
      return 'problem' in verified ? badToken(verified.problem) : verified;
    } catch (error) {
      logger.warn({ err: error, issuer }, 'the issuer of tokens cannot be asked');
      return refuse('issuer_unreachable', 'the issuer of tokens cannot be asked', { 'retry-after': '5' });
    }
  };
}

/** Whether only users of this machine may send requests: the token in AGENTPOOL_HOME is then required. */
export const isLocalOnly = ({ tokens, oidcIssuer }: Config) => tokens.length === 0 && oidcIssuer === undefined;

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Every user of this machine can reach loopback; only one who can read the token file is LOCAL. */
function localAuthentication(localToken: () => string): Authenticate {
  const challenge = { 'www-authenticate': 'Bearer realm="agentpool", Basic realm="agentpool"' };
  return async (authorization) => {
    const secret = secretOf(authorization);
    if (secret !== '' && timingSafeEqual(digest(secret), digest(localToken()))) return LOCAL;
    const problem = secret === '' ? 'a token is needed' : 'this is not the token of this pool';
    const help = 'agentpool token prints it, agentpool token --link a link for a browser';
    return refuse('unauthorized', `${problem}: ${help}`, challenge);
  };
}

function secretOf(authorization: string | undefined): string {
  const [, kind, value = ''] = /^(Bearer|Basic) +(.+)$/i.exec(authorization ?? '') ?? [];
  if (kind?.toLowerCase() !== 'basic') return value;
  const pair = Buffer.from(value, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}
