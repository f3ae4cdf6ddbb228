import { afterAll, beforeAll, expect, test } from 'vitest';
import { oneMcp, onePlace } from '../support/beginnings.js';
import { makePlace, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, type Started, startWorkerProcess } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_HOST_NAME: 'one' });
const other = makePlace({ AGENTPOOL_HOST_NAME: 'two', AGENTPOOL_PREFIX: place.env.AGENTPOOL_PREFIX ?? '' });
const both = `${place.work}:${other.work}`;
const mcp = oneMcp(place);
const workers = new Map<string, Started>();
async function start(host: 'one' | 'two') {
  const of = host === 'one' ? place : other;
  workers.set(host, await startWorkerProcess({ ...of, env: { ...of.env, AGENTPOOL_ALLOWED_PATHS: both } }));
}
beforeAll(async () => {
  await Promise.all([start('one'), start('two')]);
});
afterAll(async () => {
  await Promise.all([...workers.values()].map((worker) => worker.end()));
  other.clean();
});

type Status = Facts & { runId: string; status: string; host?: string; waitingFor?: Facts };
const short = steps({ print: 'done\n' });
const submit = (prompt: string, more: Facts = {}) =>
  mcp.call<Status>('run_agent', { runner: 'scripted', prompt, ...more });
const statusOf = (runId: string) => mcp.call<Status>('get_agent_status', { runId });
const workerOn = async (host: string) =>
  (await mcp.call<{ workers: Facts[] }>('pool_status', {})).workers.find((worker) => worker.host === host);

test('a cordoned host takes no new runs, keeps those that it has, and says so everywhere', async () => {
  const { runId: running } = await submit(steps({ print: 'on\n' }, { until: `${place.work}/go` }), { host: 'one' });
  await eventually(
    () => statusOf(running),
    ({ status }) => status === 'running',
  );
  expect(await agentpool(place, ['cordon', 'one'])).toMatchObject({ code: 0, stdout: 'one takes no new runs\n' });
  expect(await workerOn('one')).toMatchObject({ cordonedSince: expect.any(Number), running: 1 });
  const ended = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const { runId } = await submit(short);
      await mcp.call('wait_agent', { runId });
      return statusOf(runId);
    }),
  );
  expect(new Set(ended.map(({ status, host }) => `${status} on ${host}`))).toEqual(new Set(['done on two']));
  const bound = await submit(short, { host: 'one' });
  expect(bound).toMatchObject({
    status: 'queued',
    waitingFor: { kind: 'cordoned' },
    warning: expect.stringMatching(/one \(cordoned\)/),
  });
  expect((await agentpool(place, ['workers'])).stdout).toMatch(/^one +cordoned +1 of/m);
  expect((await agentpool(place, ['doctor'])).stdout).toMatch(/Worker one .*cordoned since/);

  const drained = await agentpool(place, ['drain', 'one', '--timeout', '200ms', '--json']);
  expect([drained.code, JSON.parse(drained.stdout)]).toMatchObject([1, { running: 1, timedOut: true }]);
  const draining = agentpool(place, ['drain', 'one']);
  await submit(steps({ note: { file: `${place.work}/go`, text: 'go' } }), { path: place.work });
  expect(await draining).toMatchObject({ code: 0, stdout: 'one has no runs\n' });
  expect(await statusOf(running)).toMatchObject({ status: 'done' });

  // A worker of that host that is started anew heeds it, too.
  await workers.get('one')?.end();
  await start('one');
  expect(await workerOn('one')).toMatchObject({ alive: true, cordonedSince: expect.any(Number) });
  expect(await statusOf(bound.runId)).toMatchObject({ status: 'queued', waitingFor: { kind: 'cordoned' } });

  expect(await agentpool(place, ['uncordon', 'one'])).toMatchObject({ code: 0, stdout: 'one takes runs again\n' });
  await mcp.call('wait_agent', { runId: bound.runId });
  expect(await statusOf(bound.runId)).toMatchObject({ status: 'done', host: 'one' });
});

test('one worker is cordoned by its id, until it leaves', async () => {
  const { id } = (await workerOn('two')) as { id: string };
  expect(await agentpool(place, ['cordon', id])).toMatchObject({ code: 0 });
  expect(await workerOn('two')).toHaveProperty('cordonedSince');
  await workers.get('two')?.end();
  await start('two');
  expect(await workerOn('two')).not.toHaveProperty('cordonedSince');
});

test('what is no worker and no host is refused, and so is what is not cordoned', async () => {
  expect(await agentpool(place, ['cordon', 'on'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no worker and no host "on".*one/s),
  });
  expect(await agentpool(place, ['uncordon', 'one'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/"one" is not cordoned/),
  });
});
