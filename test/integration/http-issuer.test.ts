import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openAuthentication } from '../../src/http/authenticate.js';
import { loadConfig } from '../../src/shared/config/load.js';
import { openLogger } from '../../src/shared/logger.js';
import { startIssuer } from '../support/issuer.js';

let issuer: Awaited<ReturnType<typeof startIssuer>>;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.stop());

function authentication(extra: Readonly<Record<string, string>> = {}) {
  const env = { AGENTPOOL_OIDC_ISSUER: issuer.url, AGENTPOOL_OIDC_AUDIENCE: 'pool', ...extra };
  const config = loadConfig({ env, cwd: '/', readFile: () => undefined });
  const authenticate = openAuthentication(config, openLogger('test', 'silent'), () => 'local-token');
  return async (token: string) => authenticate(`Bearer ${token}`, 'http://pool.example');
}

describe('an access token of the issuer', () => {
  test('names the principal by its subject, with the scopes that it has here', async () => {
    const token = await issuer.token({ sub: 'a1', scope: 'openid run read' });
    expect(await authentication()(token)).toEqual({ name: 'oidc:a1', scopes: ['read', 'run'] });
  });

  test('may have its scopes elsewhere, as a list, and in the words of the issuer', async () => {
    const authenticate = authentication({ AGENTPOOL_OIDC_SCOPES: 'agents.read=read,agents.write=run+kill' });
    const token = await issuer.token({ scope: ['agents.write', 'admin'] });
    expect(await authenticate(token)).toEqual({ name: 'oidc:ann', scopes: ['run', 'kill'] });
    const elsewhere = authentication({ AGENTPOOL_OIDC_SCOPE_CLAIM: 'sub' });
    expect(await elsewhere(await issuer.token({ sub: 'kill' }))).toEqual({ name: 'oidc:kill', scopes: ['kill'] });
  });

  test.each([
    ['has expired', { expiresInS: -60 }, /expired/],
    ['is for somebody else', { aud: 'another' }, /not valid/],
    ['says that it is of another issuer', { iss: 'http://evil.example' }, /not valid/],
    ['names nobody', { sub: '' }, /sub/],
    ['names a blank', { sub: ' ' }, /sub/],
    ['has a name that steers a terminal', { sub: 'ann\u001b]52;c;QUFB\u0007' }, /control characters/],
    ['has a very long name', { sub: 'a'.repeat(256) }, /255/],
    ['is signed with another key', { key: 'stranger' as const }, /not valid/],
  ])('that %s is refused, with the way to a new one', async (_, claims, message) => {
    const answer = (await authentication()(await issuer.token(claims))) as Response;
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="agentpool", error="invalid_token", error_description="[^"]+", resource_metadata="http:\/\/pool\.example\/\.well-known\/oauth-protected-resource\/mcp"/,
    );
    expect(await answer.json()).toMatchObject({ code: 'unauthorized', message: expect.stringMatching(message) });
  });

  test('is not taken from an issuer whose documents are huge, and they are not read to their end', async () => {
    let sent = 0;
    const huge = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = () => {
        while (!response.destroyed && response.write(' '.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    await once(huge.listen(0, '127.0.0.1'), 'listening');
    const { port } = huge.address() as AddressInfo;
    const authenticate = authentication({ AGENTPOOL_OIDC_ISSUER: `http://127.0.0.1:${port}` });
    const answer = (await authenticate(await issuer.token())) as Response;
    expect([answer.status, await answer.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'issuer_unreachable' }),
    ]);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    huge.closeAllConnections();
    huge.close();
  });

  test('that is not signed at all is refused', async () => {
    const [, payload] = (await issuer.token({ scope: 'admin' })).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    expect(((await authentication()(`${header}.${payload}.`)) as Response).status).toBe(401);
  });
});

test('while the issuer cannot be asked, its tokens are neither taken nor called wrong', async () => {
  const env = { AGENTPOOL_OIDC_ISSUER: 'http://127.0.0.1:9', AGENTPOOL_OIDC_AUDIENCE: 'pool' };
  const answer = (await authentication(env)(await issuer.token())) as Response;
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
});
