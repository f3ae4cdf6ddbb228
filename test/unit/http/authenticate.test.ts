import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openAuthentication } from '../../../src/http/authenticate.js';
import { loadConfig } from '../../../src/shared/config/load.js';
import { openLogger } from '../../../src/shared/logger.js';
import { LOCAL } from '../../../src/shared/principal.js';

const entry = (name: string, scopes: string, secret: string) =>
  `${name}:${scopes}:${createHash('sha256').update(secret).digest('hex')}`;
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

function authentication(...tokens: string[]) {
  const config = loadConfig({ env: { AGENTPOOL_TOKENS: tokens.join(',') }, cwd: '/', readFile: () => undefined });
  const authenticate = openAuthentication(config, openLogger('test', 'silent'), () => 'local-token');
  return (authorization?: string) => authenticate(authorization, 'http://localhost');
}

describe('tokens', () => {
  const authenticate = authentication(
    entry('ann', 'read+run', 'a-secret'),
    entry('root', 'admin', 'b:c'),
    entry('ann', 'kill', 'k'),
  );

  test.each(['Bearer a-secret', 'bearer   a-secret', basic('anyone:a-secret'), basic(':a-secret')])(
    'name the principal and its scopes: "%s"',
    async (authorization) => {
      expect(await authenticate(authorization)).toEqual({ name: 'ann', scopes: ['read', 'run'] });
    },
  );

  test('may hold colons, and one principal may have several with other scopes', async () => {
    expect(await authenticate(basic('x:b:c'))).toEqual({ name: 'root', scopes: ['admin'] });
    expect(await authenticate('Bearer k')).toEqual({ name: 'ann', scopes: ['kill'] });
  });

  test.each([
    undefined,
    '',
    'a-secret',
    'Bearer',
    'Bearer A-secret',
    'Bearer a-secret x',
    'Digest a-secret',
    basic('a-secret:'),
    'Basic !!!',
    `Bearer ${createHash('sha256').update('a-secret').digest('hex')}`,
  ])('that nobody knows, such as "%s", are refused with what is wanted', async (authorization) => {
    const answer = (await authenticate(authorization)) as Response;
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="agentpool", Basic realm="agentpool"');
    expect(await answer.json()).toMatchObject({ code: 'unauthorized' });
  });

  test('are not asked for where there are none: then it is who has the token of this machine, and nobody else', async () => {
    const authenticate = authentication();
    expect(await authenticate('Bearer local-token')).toBe(LOCAL);
    expect(await authenticate(basic('anyone:local-token'))).toBe(LOCAL);
    for (const wrong of [undefined, '', 'Bearer whatever', 'Bearer ', 'Bearer local-toke', basic('local-token:')])
      expect(((await authenticate(wrong)) as Response).status).toBe(401);
  });

  test('leave the token of this machine without meaning where there are some', async () => {
    expect(((await authenticate('Bearer local-token')) as Response).status).toBe(401);
  });
});
