import type { Config } from '../shared/config/load.js';
import type { Logger } from '../shared/logger.js';
import { LOCAL, type Principal } from '../shared/principal.js';
import { refuse } from './refuse.js';
import { openTokens } from './tokens.js';

/** The document that tells OAuth clients where tokens come from (RFC 9728). */
export const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';

/** Who asks, by the `Authorization` header; or the refusal. */
export type Authenticate = (authorization: string | undefined, origin: string) => Promise<Principal | Response>;

/** A bearer token of AGENTPOOL_TOKENS, also as the password of basic authentication, or one of the issuer. */
export function openAuthentication(config: Config, logger: Logger): Authenticate {
  const { tokens, oidcIssuer: issuer, oidcAudience: audience = '', oidcScopeClaim: scopeClaim } = config;
  if (tokens.length === 0 && issuer === undefined) return async () => LOCAL; // on loopback only
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
        : `Bearer realm="agentpool"${error}, resource_metadata="${origin}${RESOURCE_METADATA}/mcp", Basic realm="agentpool"`,
  });

  return async (authorization, origin) => {
    const secret = secretOf(authorization);
    if (secret === '') return refuse(401, 'unauthorized', 'a token is needed; see AGENTPOOL_TOKENS', challenge(origin));
    const known = find(secret);
    if (known) return known;
    const badToken = (problem: string) =>
      refuse(
        401,
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
      return refuse(503, 'issuer_unreachable', 'the issuer of tokens cannot be asked', { 'retry-after': '5' });
    }
  };
}

function secretOf(authorization: string | undefined): string {
  const [, kind, value = ''] = /^(Bearer|Basic) +(.+)$/i.exec(authorization ?? '') ?? [];
  if (kind?.toLowerCase() !== 'basic') return value;
  const pair = Buffer.from(value, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}
