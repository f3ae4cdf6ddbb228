import { createHash, timingSafeEqual } from 'node:crypto';
import { type Principal, SCOPES } from '../shared/principal.js';

/** The principal whose secret this is, by AGENTPOOL_TOKENS; undefined for an unknown secret. Its duration does not depend on the secret. */
export function openTokens(tokens: readonly string[]): (secret: string) => Principal | undefined {
  const known = tokens.map((token) => {
    const [name = '', scopes = '', hash = ''] = token.split(':');
    const named = scopes.split('+');
    const principal: Principal = { name, scopes: SCOPES.filter((scope) => named.includes(scope)) };
    return { principal, hash: Buffer.from(hash, 'hex') };
  });
  return (secret) => {
    const given = createHash('sha256').update(secret).digest();
    const found = known.filter(({ hash }) => timingSafeEqual(hash, given)); // all of them, even after a match
    return found[0]?.principal;
  };
}
