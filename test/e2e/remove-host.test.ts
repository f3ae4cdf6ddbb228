import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StartedHttp } from '../../src/http/start.js';
import { oneMcp, onePlace, onePool, oneWorker } from '../support/beginnings.js';
import { ask, serveHttp } from '../support/http.js';
import { makePlace, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, type Started, startWorkerProcess } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_HOST_NAME: 'stays', AGENTPOOL_PORT: '0' });
const away = makePlace({ AGENTPOOL_HOST_NAME: 'gone', AGENTPOOL_PREFIX: place.env.AGENTPOOL_PREFIX ?? '' });
const paths = { AGENTPOOL_ALLOWED_PATHS: `${place.work}:${away.work}`, AGENTPOOL_CONCURRENCY: '1' };
const pool = onePool(place);
oneWorker(place);
const mcp = oneMcp(place);
let worker: Started;
let board: StartedHttp;
const startAway = async () => {
  worker = await startWorkerProcess({ ...away, env: { ...away.env, ...paths } });
};
beforeAll(async () => {
  board = await serveHttp(pool);
  await startAway();
});
afterAll(async () => {
  await worker.end();
  await board.stop();
  away.clean();
});

type Status = Facts & { runId: string; status: string; pid?: number };
const submit = (prompt: string, more: Facts = {}) =>
  mcp.call<Status>('run_agent', { runner: 'scripted', prompt, path: place.work, host: 'gone', ...more });
const statusOf = (runId: string) => mcp.call<Status>('get_agent_status', { runId });
const hostIsSilent = () =>
  eventually(async () => (await pool.workers.list()).every(({ host, alive }) => host !== 'gone' || !alive));
const withSession = steps({ print: '{"session_id": "s-1", "result": "ok"}\n' });
const endless = steps({ until: `${away.work}/never` });

test('a host that is gone for good is removed with what waited for it and what it had, and comes back as a new one', async () => {
  const first = await submit(withSession, { agentName: 'talker' });
  await mcp.call('wait_agent', { runId: first.runId });
  expect(await statusOf(first.runId)).toMatchObject({ status: 'done', sessionId: 's-1' });
  const had = await submit(endless);
  await eventually(async () => (await statusOf(had.runId)).status === 'running');
  const waits = await submit(endless);
  const needs = await submit(endless, { requires: ['gpu'] });
  const elsewhere = await submit(steps({ print: 'x\n' }), { host: 'stays' });
  await mcp.call('wait_agent', { runId: elsewhere.runId });

  const early = await agentpool(place, ['remove-host', 'gone']);
  expect([early.code, early.stderr]).toEqual([expect.any(Number), expect.stringMatching(/of gone is alive/)]);
  expect(early.code).not.toBe(0);
  await worker.end('SIGKILL');
  await hostIsSilent();

  const dry = await agentpool(place, ['remove-host', 'gone', '--dry-run', '--json']);
  expect(JSON.parse(dry.stdout)).toEqual({ host: 'gone', killed: 2, lost: 1, dryRun: true });
  expect(await statusOf(waits.runId)).toMatchObject({ status: 'queued' });

  expect(await agentpool(place, ['remove-host', 'gone'])).toMatchObject({
    code: 0,
    stdout: 'gone is removed: 2 runs that waited for it were killed, 1 run that it had was failed (lost)\n',
  });
  for (const { runId } of [waits, needs]) expect(await statusOf(runId)).toMatchObject({ status: 'killed' });
  expect(await statusOf(had.runId)).toMatchObject({
    status: 'failed',
    failure: { kind: 'lost', message: 'host gone was removed from the pool' },
  });
  expect(await statusOf(elsewhere.runId)).toMatchObject({ status: 'done' });
  expect((await pool.queues.names()).filter((name) => name.includes('gone'))).toEqual([]);
  expect((await pool.workers.list()).map(({ host }) => host)).toEqual(['stays']);
  await expect(submit(endless)).rejects.toMatchObject({ code: 'unknown_host' });
  const onHost = { host: undefined, agentName: 'talker' };
  await expect(submit(withSession, { ...onHost, sessionId: 's-1' })).rejects.toMatchObject({
    code: 'unknown_session',
    message: expect.stringMatching(/s-1 lives on gone, which was removed/),
  });
  const anew = await submit(withSession, { ...onHost, autoResume: true });
  await mcp.call('wait_agent', { runId: anew.runId });
  expect(await statusOf(anew.runId)).toMatchObject({ status: 'done', host: 'stays' });
  expect((await agentpool(place, ['remove-host', 'gone'])).stderr).toMatch(/there never was a worker on "gone"/);

  // It comes back: the program that it had is ended, and runs may be submitted for it again.
  await startAway();
  const { pid = 0 } = await pool.runs.get(had.runId).then((run) => ({ ...run }));
  await eventually(() => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
  const again = await submit(steps({ print: 'back\n' }));
  await mcp.call('wait_agent', { runId: again.runId });
  expect(await statusOf(again.runId)).toMatchObject({ status: 'done', host: 'gone' });
});

test('the page of workers shows a host without a worker, and removes it when asked from there by an administrator', async () => {
  const { runId } = await submit(endless, { requires: ['gpu'] });
  await worker.end('SIGKILL');
  await hostIsSilent();
  const { body } = await ask(`${board.url}/workers`);
  expect(body).toMatch(/id="away-gone".*1 run waits for it/s);
  expect(body).not.toContain('id="away-stays"');
  const post = (origin: string) =>
    ask(`${board.url}/hosts/gone/remove`, { method: 'POST', headers: { origin, accept: 'text/html' } });
  expect(await post('http://elsewhere.example')).toMatchObject({ status: 403 });
  expect(await statusOf(runId)).toMatchObject({ status: 'queued' });
  const done = await post(board.url);
  expect([done.status, done.body]).toEqual([
    200,
    expect.stringContaining(
      'gone is removed: 1 run that waited for it was killed, 0 runs that it had were failed (lost).',
    ),
  ]);
  expect(done.body).not.toContain('id="away-gone"');
  expect(await statusOf(runId)).toMatchObject({ status: 'killed' });
});
