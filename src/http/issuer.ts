import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { messageOf } from '../shared/errors.js';
import { type Principal, SCOPES } from '../shared/principal.js';

/** The configuration of an OAuth issuer. */
export interface IssuerSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly scopeClaim: string;
  /** Our scopes by the issuer's words for them; empty: it uses ours. */
  readonly scopes: Readonly<Record<string, readonly string[]>>;
}

/** A token that the issuer did not sign, that is for another audience, or that has expired. */
export interface BadToken {
  readonly problem: string;
}

/** The issuer, or its keys, cannot be asked within this time (ms). */
const ASK_WITHIN_MS = 5_000;
const SIGNED_BY = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
/** As OpenID Connect bounds it (characters). */
const LONGEST_SUBJECT = 255;
/** Keys and metadata of an issuer have a few KiB (bytes). */
const LARGEST_DOCUMENT = 512 * 1024;
/** Where issuers say where their keys are: OpenID Connect, then RFC 8414. */
const METADATA = ['openid-configuration', 'oauth-authorization-server'];
const metadata = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Verifies access tokens (JWT) of one issuer. Throws when the issuer cannot be asked. */
export function openIssuer(settings: IssuerSettings): (token: string) => Promise<Principal | BadToken> {
  const { issuer, audience } = settings;
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined;

  const keysOnce = () => {
    keys ??= jwksUrl(issuer).then((url) =>
      createRemoteJWKSet(url, { timeoutDuration: ASK_WITHIN_MS, [customFetch]: smallFetch }),
    );
    keys.catch(() => {
      keys = undefined; // asked again with the next token
    });
    return keys;
  };

  return async (token) => {
    const resolveKey = await keysOnce();
    try {
      const options = { issuer, audience, algorithms: SIGNED_BY, requiredClaims: ['exp', 'sub'] };
      const { payload } = await jwtVerify(token, resolveKey, options);
      if (typeof payload.sub !== 'string' || payload.sub.trim() === '')
        return { problem: 'the token names nobody (sub)' };
      if (payload.sub.length > LONGEST_SUBJECT || /\p{Cc}/u.test(payload.sub))
        return { problem: `the name in the token (sub) is longer than ${LONGEST_SUBJECT} or holds control characters` };
      return principalOf(payload, settings);
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { problem: 'the token has expired' };
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) throw error;
      if (error.code === 'ERR_JOSE_GENERIC') throw error; // the keys could not be fetched
      return { problem: `the token is not valid: ${messageOf(error)}` };
    }
  };
}

/** Fetches a document that is small; a larger one is not read to its end. */
async function smallFetch(url: string, options: RequestInit): Promise<Response> {
  const answer = await fetch(url, options);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > LARGEST_DOCUMENT) throw new Error(`it has more than ${LARGEST_DOCUMENT} bytes`); // which ends the connection
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), { status: answer.status, headers: answer.headers });
}

async function jwksUrl(issuer: string): Promise<URL> {
  const problems: string[] = [];
  for (const name of METADATA) {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/${name}`;
    const found = await smallFetch(url, { signal: AbortSignal.timeout(ASK_WITHIN_MS) })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
      .then((body) => metadata.parse(body))
      .catch((error: unknown) => void problems.push(`${url}: ${messageOf(error)}`));
    if (!found) continue;
    if (found.issuer === issuer) return new URL(found.jwks_uri);
    problems.push(`${url}: it is of the issuer ${found.issuer}`);
  }
  throw new Error(`the issuer does not say where its keys are: ${problems.join('; ')}`);
}

/** A principal of an issuer has a colon in its name, which one of AGENTPOOL_TOKENS cannot have. */
function principalOf(payload: JWTPayload, { scopeClaim, scopes }: IssuerSettings): Principal {
  const claim = payload[scopeClaim];
  const theirs = Array.isArray(claim) ? claim.map(String) : String(claim ?? '').split(/\s+/);
  const ours = Object.keys(scopes).length === 0 ? theirs : theirs.flatMap((word) => scopes[word] ?? []);
  return { name: `oidc:${payload.sub}`, scopes: SCOPES.filter((scope) => ours.includes(scope)) };
}
