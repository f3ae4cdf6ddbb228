import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRunId } from '../../src/client/submit.js';
import type { StartedHttp } from '../../src/http/start.js';
import { hostQueue, runnerQueue } from '../../src/shared/queues/route.js';
import type { RunRequest } from '../../src/shared/run.js';
import type { Ending } from '../../src/shared/run-store/ownership.js';
import { onePlace, onePool } from '../support/beginnings.js';
import { ask, serveHttp } from '../support/http.js';

const SECRET = 'the-words-of-the-prompt';
const QUEUE = runnerQueue('demo');

const place = onePlace({ AGENTPOOL_PORT: '0' });
const pool = onePool(place);
let board: StartedHttp;

beforeAll(async () => {
  board = await serveHttp(pool);
});

afterAll(async () => {
  await board.stop();
});

const get = (path: string) => ask(board.url + path);
const page = async (path: string) => (await get(path)).body;

async function submit(agentName: string, request: Partial<RunRequest> = {}, queue = QUEUE): Promise<string> {
  const id = newRunId();
  const whole: RunRequest = { runner: 'demo', agentName, prompt: SECRET, ...request };
  await pool.runs.create(id, queue, whole);
  await pool.queues.placeAnew(id, queue, whole);
  return id;
}

/** A run as a worker would leave it after it has printed something. */
async function play(agentName: string, output: string | Buffer, ending?: Ending): Promise<string> {
  const id = await submit(agentName);
  await pool.queues.remove(id, QUEUE);
  const { epoch } = await pool.runs.claim(id, 'worker-1', 'host-1');
  await pool.runs.started({ id, epoch }, 4_242, '/srv/work');
  await pool.runs.append({ id, epoch }, [{ kind: 'out', offset: 0, bytes: Buffer.from(output) }]);
  if (ending) await pool.runs.end(id, epoch, ending);
  return id;
}

describe('the page of a run', () => {
  it('shows its facts, its failure and the end of its output, and stays as it is once the run has ended', async () => {
    const id = await play('broken', 'hello\n', {
      state: 'failed',
      exitCode: 3,
      failure: { kind: 'agent', message: 'no luck' },
    });
    const body = await page(`/runs/${id}`);
    for (const shown of [
      id,
      'broken',
      'host-1',
      'worker-1',
      '4242',
      '/srv/work',
      'no luck',
      '<code>agent</code>',
      '<dd>3</dd>',
    ])
      expect(body).toContain(shown);
    expect(body).toMatch(/<pre id="output"[^>]*>\s*hello\n<\/pre>/);
    expect(body).not.toContain('data-refresh-ms');
  });

  it('is live while the run is not over, and loaded again where there are no scripts', async () => {
    for (const id of [await play('busy', 'working\n'), await submit('patient')]) {
      const body = await page(`/runs/${id}`);
      expect(body).toContain('data-live="yes"');
      expect(body).toContain('<noscript><meta http-equiv="refresh"');
    }
  });

  it('escapes what the program has printed, its result, its failure and the reason of a kill', async () => {
    const evil = '<script>alert(1)</script>';
    const id = await play('evil', `${evil}\n`);
    await pool.runs.requestKill(id, { signal: 'TERM', graceMs: 1, reason: evil });
    const { epoch } = (await pool.runs.get(id)) ?? {};
    await pool.runs.end(id, epoch, { state: 'failed', result: evil, failure: { kind: 'agent', message: evil } });
    const [run, overview] = [await page(`/runs/${id}`), await page('/')];
    expect(run.split('&lt;script&gt;alert(1)&lt;/script&gt;')).toHaveLength(5);
    expect(overview).toContain('&lt;script&gt;alert(1)');
    expect(run + overview).not.toContain(evil);
  });

  it('shows output as a terminal would: without escape sequences, and lines as they were written over', async () => {
    const body = await page(
      `/runs/${await play('colours', '\x1b[31mred\x1b[0m\r\n10 %\r50 %\r100 %\nbell\x07\x00\n')}`,
    );
    expect(body).toMatch(/<pre[^>]*>\s*red\n100 %\nbell\n<\/pre>/);
  });

  it('shows no more than the last 16 KiB', async () => {
    const id = await play('chatty', `first\n${'x'.repeat(79).concat('\n').repeat(400)}last\n`);
    const body = await page(`/runs/${id}`);
    const [, shown = ''] = /<pre id="output"[^>]*>\n([^<]*)<\/pre>/.exec(body) ?? [];
    expect(shown.endsWith('last\n')).toBe(true);
    expect(shown.length).toBeGreaterThan(16_000);
    expect(shown.length).toBeLessThanOrEqual(16_384);
    expect(body).toContain('of 31.3 KiB');
  });

  it('says that what an address has is not a cursor, and calls it no failure of ours', async () => {
    const claude = newRunId();
    const request: RunRequest = { runner: 'claude', agentName: 'reader', prompt: SECRET };
    await pool.runs.create(claude, runnerQueue('claude'), request);
    const { status, body } = await ask(`${board.url}/runs/${claude}?cursor=nonsense`, {
      headers: { accept: 'text/html' },
    });
    expect([status, body]).toEqual([400, expect.stringContaining('is not a cursor')]);
  });

  it('answers 404 in words for a run that there is not', async () => {
    const { status, body } = await get('/runs/%3Cb%3Enobody');
    expect(status).toBe(404);
    expect(body).toContain('There is no run &lt;b&gt;nobody');
  });
});

describe('the overview', () => {
  it('counts runs by state as the indexes do, and shows one state when asked', async () => {
    await play('fine', 'ok\n', { state: 'done', exitCode: 0, result: 'ok' });
    const body = await page('/?state=done');
    expect(body).toContain(`<b>${await pool.runs.indexes.count('done')}</b><span class="state done">`);
    const rows = [...body.matchAll(/<tr id="run-.*?<span class="state (\w+)"/g)].map(([, state]) => state);
    expect(new Set(rows)).toEqual(new Set(['done']));
  });

  it('shows what runs first, even when much newer runs have ended', async () => {
    const running = await play('marathon', 'on my way\n');
    for (let at = 0; at < 30; at += 1) await play(`sprint-${at}`, 'ok\n', { state: 'done' });
    const body = await page('/');
    const rows = [...body.matchAll(/<tr id="run-(\w+)">.*?<span class="state (\w+)"/g)];
    expect(rows.map(([, id]) => id)).toContain(running);
    const states = rows.map(([, , state]) => state);
    expect(states.slice(states.indexOf('done'))).not.toContain('running');
    expect(body).toMatch(/the latest \d+ of \d+/);
  });

  it('says which queue nobody serves, and stops saying so when a worker comes', async () => {
    await submit('lonely', { host: 'faraway' }, hostQueue('faraway'));
    const notice = 'waits in runs@faraway, which no live worker serves';
    const report = { pid: 1, processStart: '', version: '1', startedAt: 0, capacity: 1, running: 0, allowedPaths: [] };
    expect(await page('/')).toContain('No worker is alive');
    await pool.workers.beat({ ...report, id: 'other', host: 'other', runners: [], phase: 'ready' });
    expect(await page('/')).toContain(notice);
    await pool.workers.beat({ ...report, id: 'here', host: 'faraway', runners: [], phase: 'ready' });
    expect(await page('/')).not.toContain(notice);
    const { queues } = JSON.parse(await page('/queues/api/queues')) as {
      queues: { name: string; hasWorkers: boolean }[];
    };
    expect(queues.find(({ name }) => name === 'runs@faraway')?.hasWorkers).toBe(true);
    expect(queues.find(({ name }) => name === QUEUE)?.hasWorkers).toBe(false);
  });
});

it('no API of Bull Board shows a prompt, not even of a job that holds one', async () => {
  const id = await submit('discreet');
  await pool.queues.bullQueue(QUEUE).add('foreign', { runId: 'foreign', prompt: SECRET }, { jobId: 'foreign' });
  const api = `/queues/api/queues`;
  const jobs = `${api}?activeQueue=${QUEUE}&page=1&jobsPerPage=100&status=`;
  const paths = ['/queues', api, `${jobs}latest`, `${jobs}waiting`];
  for (const job of [id, 'foreign'])
    for (const part of ['', '/logs', '/flow']) paths.push(`${api}/${QUEUE}/${job}${part}`);
  for (const path of paths) {
    const { status, body } = await get(path);
    expect([path, status, body.includes(SECRET)]).toEqual([path, 200, false]);
  }
  expect(await page(`${api}/${QUEUE}/${id}`)).toContain(`"promptBytes":${SECRET.length}`);
  expect(await page(`${api}/${QUEUE}/foreign`)).toContain('"runId":"foreign"');
});

it.each([
  ['PUT', (id: string) => `/queues/api/queues/${QUEUE}/${id}/retry`],
  ['PUT', (id: string) => `/queues/api/queues/${QUEUE}/${id}/clean`],
  ['PUT', () => `/queues/api/queues/${QUEUE}/pause`],
  ['PUT', () => '/queues/api/queues/pause'],
  ['POST', () => `/queues/api/queues/${QUEUE}/add`],
  ['PATCH', (id: string) => `/queues/api/queues/${QUEUE}/${id}/update-data`],
] as const)('queues can be looked at only: %s is refused with 405 (%#)', async (method, path) => {
  const id = await submit('kept');
  const answer = await ask(board.url + path(id), { method });
  expect([answer.status, JSON.parse(answer.body)]).toEqual([405, expect.objectContaining({ code: 'read_only' })]);
  expect(await pool.queues.has(id, QUEUE)).toBe(true);
  expect(await pool.queues.bullQueue(QUEUE).isPaused()).toBe(false);
});

describe('what the server refuses', () => {
  it('is a page for a browser, and stays a body of JSON for programs', async () => {
    const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const stranger = await ask(board.url, { headers: html, anonymous: true });
    expect([stranger.status, stranger.headers['content-type']]).toEqual([401, 'text/html; charset=UTF-8']);
    expect(stranger.headers['www-authenticate']).toContain('Basic');
    expect(stranger.body).toContain('agentpool token --link');
    expect(stranger.body).not.toContain('<script');
    const nowhere = await ask(`${board.url}/<b>`, { headers: html });
    expect([nowhere.status, nowhere.body]).toEqual([404, expect.stringContaining('there is nothing at /&lt;b&gt;')]);
    for (const [path, headers] of [
      ['/', {}],
      ['/', { accept: 'application/json' }],
      ['/mcp', html],
    ] as const) {
      const { status, body } = await ask(board.url + path, { headers, anonymous: true });
      expect([status, JSON.parse(body)]).toMatchObject([401, { code: 'unauthorized' }]);
    }
  });
});
