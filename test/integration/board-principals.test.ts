import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRunId } from '../../src/client/submit.js';
import type { StartedHttp } from '../../src/http/start.js';
import { onePlace, onePool } from '../support/beginnings.js';
import { ask, serveHttp } from '../support/http.js';
import { connect } from '../support/pool.js';
import { eventually } from '../support/processes.js';

const token = (name: string, scopes: string) =>
  `${name}:${scopes}:${createHash('sha256').update(`secret of ${name}`).digest('hex')}`;
const place = onePlace({
  AGENTPOOL_PORT: '0',
  AGENTPOOL_TOKENS: [token('ann', 'read+run+kill'), token('bob', 'read+run+kill'), token('eve', 'read')].join(','),
});
const pool = onePool(place);
let board: StartedHttp;
const ids: Record<string, string> = {};

const as = (name: string) => ({ authorization: `Bearer secret of ${name}` });
const get = (name: string, path: string) => ask(board.url + path, { headers: as(name) });
const post = (name: string, path: string, body: string, headers: Record<string, string> = {}) =>
  ask(board.url + path, {
    method: 'POST',
    body,
    headers: {
      ...as(name),
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(body)),
      origin: board.url,
      ...headers,
    },
  });

beforeAll(async () => {
  board = await serveHttp(pool);
  for (const principal of ['ann', 'bob', 'eve']) {
    const id = newRunId();
    const request = { runner: 'demo', agentName: `of-${principal}`, prompt: `secret of ${principal}`, principal };
    await pool.runs.create(id, 'runs.demo', request);
    await pool.queues.placeAnew(id, 'runs.demo', request);
    ids[principal] = id;
  }
  await pool.agents.create({ name: 'of-ann', runner: 'demo', prompt: 'a system prompt' });
});
afterAll(async () => {
  await board.stop();
});

describe('a page', () => {
  it.each(['', '/live', '/lines', '/search?q=a', '/output'])(
    'of the run of somebody else is not there (%s)',
    async (path) => {
      expect((await get('bob', `/runs/${ids.ann}${path}`)).status).toBe(404);
    },
  );

  it.each(['kill', 'rerun', 'resume'])('changes no run of somebody else: %s', async (what) => {
    expect((await post('bob', `/runs/${ids.ann}/${what}`, 'prompt=x')).status).toBe(404);
    expect((await pool.runs.get(ids.ann ?? ''))?.kill).toBeUndefined();
  });

  it('lists and counts what its principal may see, and nothing else', async () => {
    for (const path of ['/', '/?q=secret', '/usage', '/usage?last=24h']) {
      const { body, status } = await get('ann', path);
      expect(status).toBe(200);
      expect(body).not.toContain('of-bob');
      expect(body).not.toContain(ids.bob);
    }
    expect((await get('ann', '/?agent=of-bob')).body).toContain('No run matches.');
    expect((await get('ann', '/')).body).toContain('<b>1</b><span class="state queued">');
    expect((await get('ann', '/usage')).body).toContain('<b>1</b> runs');
    expect((await get('ann', '/agents')).body).not.toContain('a system prompt');
  });

  it('offers and does what the scopes of its principal allow', async () => {
    const own = (await get('eve', `/runs/${ids.eve}`)).body;
    expect(own).toContain('secret of eve');
    expect(own).not.toContain('<form');
    for (const what of ['kill', 'rerun', 'resume'])
      expect((await post('eve', `/runs/${ids.eve}/${what}`, 'prompt=x')).status).toBe(403);
    expect((await post('eve', '/bulk', `what=kill&run=${ids.eve}`)).status).toBe(403);
    expect((await pool.runs.get(ids.eve ?? ''))?.state).toBe('queued');
  });

  it('that makes much work counts as several requests, and a reader that stays counts as a call', async () => {
    const limits = { AGENTPOOL_REQUESTS_PER_SECOND: '20', AGENTPOOL_MAX_OPEN_CALLS: '2' };
    const limited = await connect({ ...place, env: { ...place.env, ...limits } });
    const server = await serveHttp(limited);
    const status = async (path: string) => (await ask(server.url + path, { headers: as('ann') })).status;
    const streams = new AbortController();
    const { signal } = streams;
    try {
      const searches = await Promise.all(Array.from({ length: 2 }, () => status(`/runs/${ids.ann}/search?q=a`)));
      expect(searches).toEqual([200, 200]);
      const live = () => fetch(`${server.url}/runs/${ids.ann}/live`, { headers: as('ann'), signal });
      expect([(await live()).status, (await live()).status]).toEqual([200, 200]);
      for (const path of ['', '/lines', '/search?q=a', '/output'])
        expect(await status(`/runs/${ids.ann}${path}`)).toBe(429);
      streams.abort();
      await eventually(
        () => status(`/runs/${ids.ann}/lines`),
        (answered) => answered === 200,
      );
      expect([await status('/usage'), await status('/usage')]).toEqual([200, 429]);
    } finally {
      streams.abort();
      await server.stop();
      await limited.stop();
    }
  });

  it('takes a form from the very same address only, and no longer one than a prompt may be', async () => {
    const path = `/runs/${ids.bob}/kill`;
    const other = board.url.replace('127.0.0.1', 'localhost');
    for (const origin of [other, 'http://127.0.0.1:1', 'null'])
      expect((await post('bob', path, 'reason=x', { origin })).status).toBe(403);
    expect((await post('bob', '/bulk', `what=kill&run=${ids.bob}`, { origin: other })).status).toBe(403);
    expect((await post('bob', path, '', { 'content-length': '999999999' })).status).toBe(413);
    expect((await pool.runs.get(ids.bob ?? ''))?.state).toBe('queued');
    expect((await post('bob', '/bulk', `what=kill&run=${ids.bob}&run=${ids.ann}`)).status).toBe(400);
    expect((await pool.runs.get(ids.bob ?? ''))?.state).toBe('killed');
    expect((await pool.runs.get(ids.ann ?? ''))?.state).toBe('queued');
  });
});
