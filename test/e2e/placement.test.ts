import { afterAll, beforeAll, expect, test } from 'vitest';
import { oneMcp, onePlace } from '../support/beginnings.js';
import { makePlace, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, type Started, startWorkerProcess } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_HOST_NAME: 'plain', AGENTPOOL_CONCURRENCY: '2' });
const prefix = place.env.AGENTPOOL_PREFIX ?? '';
const gpu = makePlace({ AGENTPOOL_HOST_NAME: 'gpu-1', AGENTPOOL_PREFIX: prefix, AGENTPOOL_CONCURRENCY: '2' });
const mcp = oneMcp(place);
const workers = new Map<string, Started>();
const paths = `${place.work}:${gpu.work}`;
async function start(of: typeof place, labels: string): Promise<void> {
  const env = { ...of.env, AGENTPOOL_ALLOWED_PATHS: paths, AGENTPOOL_WORKER_LABELS: labels };
  workers.set(of.env.AGENTPOOL_HOST_NAME ?? '', await startWorkerProcess({ ...of, env }));
}
beforeAll(async () => {
  await Promise.all([start(place, 'repo=web'), start(gpu, 'gpu=a100,repo=api')]);
});
afterAll(async () => {
  await Promise.all([...workers.values()].map((worker) => worker.end()));
  gpu.clean();
});

type Status = Facts & { runId: string; status: string; host?: string; requires?: string[]; waitingFor?: Facts };
const short = steps({ print: 'done\n' });
const submit = (more: Facts = {}, prompt = short) =>
  mcp.call<Status>('run_agent', { runner: 'scripted', prompt, path: place.work, ...more });
const statusOf = (runId: string) => mcp.call<Status>('get_agent_status', { runId });
const reached = (runId: string, state: string) =>
  eventually(
    () => statusOf(runId),
    ({ status }) => status === state,
  );

test('runs go to the workers that have what they require, and to no others', async () => {
  const wanted = [
    ...Array.from({ length: 6 }, () => ({ requires: ['gpu'], host: 'gpu-1' })),
    ...Array.from({ length: 6 }, () => ({ requires: ['repo=web'], host: 'plain' })),
    { requires: ['gpu=a100', 'repo', `os=${process.platform}`], host: 'gpu-1' },
  ];
  const runs = await Promise.all(wanted.map(({ requires }) => submit({ requires })));
  for (const { runId } of runs) await mcp.call('wait_agent', { runId });
  const ended = await Promise.all(runs.map(({ runId }) => statusOf(runId)));
  expect(ended.map(({ status, host }) => [status, host])).toEqual(wanted.map(({ host }) => ['done', host]));
  expect(ended[0]).toMatchObject({ requires: ['gpu'] });
});

test('the workers say what they have, on the command line as in the tools', async () => {
  const { workers: told } = await mcp.call<{ workers: Facts[] }>('pool_status', {});
  const labels = told.find(({ host }) => host === 'gpu-1')?.labels;
  expect(labels).toEqual([`os=${process.platform}`, `arch=${process.arch}`, 'gpu=a100', 'repo=api']);
  const { stdout } = await agentpool(place, ['workers']);
  expect(stdout).toMatch(/^plain .*repo=web$/m);
  expect((await agentpool(place, ['doctor'])).stdout).toMatch(/Worker gpu-1 .*labels .*gpu=a100/);
});

test('a run that nobody can serve waits, says so with what was probably meant, and keeps nobody waiting', async () => {
  const lost = await submit({ requires: ['gpux', 'repo=web'] });
  expect(lost).toMatchObject({
    status: 'queued',
    warning: expect.stringMatching(/has what the run requires: gpux.*AGENTPOOL_WORKER_LABELS=gpux,repo=web/s),
    waitingFor: { kind: 'no_worker' },
  });
  const { runId } = await submit();
  await reached(runId, 'done');
  expect(await statusOf(lost.runId)).toMatchObject({ status: 'queued', waitingFor: { kind: 'no_worker' } });
  const doctor = await agentpool(place, ['doctor']);
  expect(doctor.stdout).toMatch(/Queue runs\.scripted\+gpux,repo=web .*AGENTPOOL_WORKER_LABELS=gpux,repo=web/s);
  const listed = await agentpool(place, ['status', lost.runId]);
  expect(listed.stdout).toMatch(/requires +gpux repo=web/);

  // The worker that is started with these labels takes it.
  await workers.get('plain')?.end();
  await start(place, 'repo=web,gpux');
  await reached(lost.runId, 'done');
});

test('a rerun, an agent of that profile and the command line require the same', async () => {
  await mcp.call('create_agent', { name: 'painter', runner: 'scripted', prompt: 'paint', requires: ['gpu'] });
  const first = await submit({ agentName: 'painter', requires: ['repo=api'] });
  await reached(first.runId, 'done');
  expect(await statusOf(first.runId)).toMatchObject({ host: 'gpu-1', requires: ['gpu', 'repo=api'] });

  const again = await agentpool(place, ['rerun', first.runId, '--json']);
  const [rerun] = JSON.parse(again.stdout) as { runId: string }[];
  expect(await reached(rerun?.runId ?? '', 'done')).toMatchObject({ host: 'gpu-1', requires: ['gpu', 'repo=api'] });

  const args = ['run', 'scripted', short, '--requires', 'gpu,repo=api', '--path', gpu.work, '--json'];
  const asked = await agentpool(gpu, args);
  expect(JSON.parse(asked.stdout)).toMatchObject({ status: 'done', host: 'gpu-1', requires: ['gpu', 'repo=api'] });

  const agents = await agentpool(place, ['agents', 'update', 'painter', '--requires', 'tpu']);
  expect(agents.code).toBe(0);
  expect(await submit({ agentName: 'painter' })).toMatchObject({ status: 'queued', waitingFor: { kind: 'no_worker' } });
});

test('what is no label is refused, on both ways', async () => {
  await expect(submit({ requires: ['a:b'] })).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringMatching(/key=value/),
  });
  const asked = await agentpool(place, ['run', 'scripted', short, '--requires', 'a:b']);
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringMatching(/key=value/)]);
});
