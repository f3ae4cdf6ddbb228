import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartedHttp } from '../../src/http/start.js';
import type { Pool } from '../../src/shared/pool.js';
import { ask, serveHttp } from '../support/http.js';
import { connect, makePlace, type Place } from '../support/pool.js';
import { agentpool } from '../support/processes.js';

interface Served {
  readonly place: Place;
  readonly pool: Pool;
  readonly board: StartedHttp;
}

const opened: Served[] = [];

async function serve(extra: Readonly<Record<string, string>> = {}): Promise<Served> {
  const place = makePlace({ AGENTPOOL_PORT: '0', ...extra });
  const pool = await connect(place);
  const served = { place, pool, board: await serveHttp(pool) };
  opened.push(served);
  return served;
}

afterAll(async () => {
  for (const { place, pool, board } of opened) {
    await board.stop();
    await pool.stop();
    place.clean();
  }
});

const tokenFor = (scopes: string, secret: string) =>
  `ann:${scopes}:${createHash('sha256').update(secret).digest('hex')}`;
const basic = (secret: string) => `Basic ${Buffer.from(`ann:${secret}`).toString('base64')}`;

describe('on loopback without tokens', () => {
  let url: string;
  beforeAll(async () => {
    url = (await serve()).board.url;
  });

  it.each(['/', '/queues', '/queues/api/queues'])('answers its own page for %s', async (path) => {
    const { host } = new URL(url);
    expect((await ask(url + path, { headers: { host } })).status).toBe(200);
    expect((await ask(url + path, { headers: { host, origin: url } })).status).toBe(200);
    expect((await ask(url + path, { headers: { host: 'localhost' } })).status).toBe(200);
  });

  it.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example'])(
    'refuses a request that was meant for %j',
    async (host) => {
      const answer = await ask(`${url}/`, { headers: { host } });
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'wrong_host' });
    },
  );

  it.each(['https://evil.example', 'http://127.0.0.1.evil.example', 'null', 'not an origin'])(
    'refuses a page of origin %s',
    async (origin) => {
      const answer = await ask(`${url}/queues/api/queues`, { headers: { origin } });
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'wrong_origin' });
    },
  );

  it('answers a path that it does not know with 404 in JSON', async () => {
    const answer = await ask(`${url}/no/such/path`);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(JSON.parse(answer.body)).toEqual({
      code: 'not_found',
      message: 'there is nothing at /no/such/path',
      hint: 'Check the address.',
    });
  });

  it.each(['/', '/runs/none', '/queues', '/queues/api/queues', '/no/such/path', '/readyz'])(
    'tells browsers to keep %s to themselves and to store nothing',
    async (path) => {
      const { headers } = await ask(url + path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
      expect(headers['content-security-policy']).not.toMatch(/script-src[^;]*(unsafe|\*|https?:)/);
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    },
  );

  it('refuses with headers too', async () => {
    const { headers } = await ask(`${url}/`, { headers: { host: 'evil.example' } });
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  });

  it('lets probes ask by any address, and tells them nothing but that it is well', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answer = await ask(url + path, { headers: { host: '10.1.2.3:7333' } });
      expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { ok: true }]);
    }
  });
});

describe('host names that the operator allows', () => {
  it('are answered, and are origins of our own', async () => {
    const { board } = await serve({ AGENTPOOL_ALLOWED_HOSTS: 'Pool.example' });
    const headers = { host: 'pool.example', origin: 'https://pool.example' };
    expect((await ask(`${board.url}/`, { headers })).status).toBe(200);
    expect((await ask(`${board.url}/`, { headers: { ...headers, origin: 'https://evil.example' } })).status).toBe(403);
  });

  it('contain the address that the server is bound to', async () => {
    const { board } = await serve({ AGENTPOOL_BIND: '127.0.0.2' });
    expect(new URL(board.url).hostname).toBe('127.0.0.2');
    expect((await ask(`${board.url}/`)).status).toBe(200);
  });
});

describe('tokens', () => {
  let url: string;
  beforeAll(async () => {
    const tokens = [tokenFor('read', 'reads'), tokenFor('run+kill', 'runs'), tokenFor('admin', 'rules')].join(',');
    url = (await serve({ AGENTPOOL_BIND: '0.0.0.0', AGENTPOOL_TOKENS: tokens })).board.url;
  });
  const get = (path: string, authorization?: string) =>
    ask(url + path, authorization === undefined ? {} : { headers: { authorization } });

  it('make a wildcard address allowed, and the server names one that can be opened', () => {
    expect(new URL(url).hostname).toBe('127.0.0.1');
  });

  it.each(['/', '/runs/none', '/queues', '/queues/api/queues', '/queues/static/css/none.css', '/no/such/path'])(
    'are needed for %s',
    async (path) => {
      for (const given of [undefined, 'Bearer wrong', basic('wrong'), 'Bearer ', 'reads', basic('')]) {
        const answer = await get(path, given);
        expect([given, answer.status]).toEqual([given, 401]);
        expect(answer.headers['www-authenticate']).toContain('Basic realm="agentpool"');
      }
    },
  );

  it.each(['Bearer reads', 'bearer reads', basic('reads'), 'Bearer rules'])(
    'let in who has the scope: %s',
    async (given) => {
      expect((await get('/', given)).status).toBe(200);
    },
  );

  it('let administrators alone see the jobs of everybody', async () => {
    for (const path of ['/queues', '/queues/api/queues']) {
      expect((await get(path, 'Bearer rules')).status).toBe(200);
      expect((await get(path, 'Bearer reads')).status).toBe(403);
    }
  });

  it('show the runs of their own principal, and with admin those of all', async () => {
    const { pool } = opened.at(-1) as Served;
    const ids = ['rann', 'rbob'];
    for (const [id, principal] of [
      ['rann', 'ann'],
      ['rbob', 'bob'],
    ] as const)
      await pool.runs.create(id, 'runs.demo', { runner: 'demo', agentName: 'demo', prompt: 'p', principal });
    const shown = async (given: string) => {
      const { body } = await get('/', given);
      const pages = await Promise.all(ids.map((id) => get(`/runs/${id}`, given)));
      return { listed: ids.filter((id) => body.includes(id)), found: pages.map(({ status }) => status) };
    };
    expect(await shown('Bearer reads')).toEqual({ listed: ['rann'], found: [200, 404] });
    expect(await shown('Bearer rules')).toEqual({ listed: ids, found: [200, 200] });
    const queued = async (given: string) =>
      /<b>(\d+)<\/b><span class="state queued"/.exec((await get('/?state=queued', given)).body)?.[1];
    expect([await queued('Bearer reads'), await queued('Bearer rules')]).toEqual(['1', '2']);
  });

  it('do not let in without the scope read', async () => {
    const answer = await get('/', 'Bearer runs');
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toEqual({
      code: 'forbidden',
      message: 'the token lacks the scope read',
      hint: 'Ask the operator of this pool for a token with that scope.',
    });
  });

  it('are not needed by probes', async () => {
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
  });
});

describe('agentpool serve', () => {
  it('ends with 78 and a clear message when it would listen beyond loopback without tokens', async () => {
    const place = makePlace({ AGENTPOOL_BIND: '0.0.0.0', AGENTPOOL_PORT: '0' });
    const { code, stdout, stderr } = await agentpool(place, ['serve']);
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toContain('AGENTPOOL_BIND: 0.0.0.0 can be reached from elsewhere, so AGENTPOOL_TOKENS is needed');
    place.clean();
  });

  it('ends with 78 and says so when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const place = makePlace();
    const { code, stderr } = await agentpool(place, ['serve', '--port', String(port)]);
    expect(code).toBe(78);
    expect(stderr).toContain(`AGENTPOOL_PORT: port ${port} is taken`);
    other.close();
    place.clean();
  });

  it('ends with 78 and says so when the address is not one of this machine', async () => {
    const place = makePlace({ AGENTPOOL_BIND: '192.0.2.1', AGENTPOOL_TOKENS: tokenFor('read', 'reads') });
    const { code, stderr } = await agentpool(place, ['serve', '--port', '0']);
    expect([code, stderr]).toEqual([
      78,
      expect.stringContaining('AGENTPOOL_BIND: 192.0.2.1 is not an address of this machine'),
    ]);
    place.clean();
  });
});
