import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** An OAuth issuer on loopback, as far as a resource server asks one: its metadata and its keys. */
export async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }];
  const server = createServer((asked, response) => {
    const documents: Record<string, object> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys },
    };
    const document = documents[asked.url ?? ''];
    response
      .writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
      .end(JSON.stringify(document ?? {}));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  interface Claims {
    readonly sub?: string;
    readonly scope?: unknown;
    readonly aud?: string;
    readonly iss?: string;
    /** From now (s). */
    readonly expiresInS?: number;
    readonly key?: 'own' | 'stranger';
  }
  return {
    url,
    token({ sub = 'ann', scope = 'read', aud = 'pool', iss = url, expiresInS = 60, key = 'own' }: Claims = {}) {
      return new SignJWT({ scope })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setSubject(sub)
        .setAudience(aud)
        .setIssuer(iss)
        .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresInS)
        .sign(key === 'own' ? privateKey : stranger.privateKey);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
