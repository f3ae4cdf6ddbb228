import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { oneMcp, onePlace, onePool } from '../support/beginnings.js';
import { makePlace, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, type Started, startWorkerProcess } from '../support/processes.js';

const LIMITS = { AGENTPOOL_POOL_CONCURRENCY: 'scripted=3', AGENTPOOL_CONCURRENCY: '4' };
const place = onePlace({ AGENTPOOL_HOST_NAME: 'one', ...LIMITS });
const other = makePlace({ AGENTPOOL_HOST_NAME: 'two', ...LIMITS, AGENTPOOL_PREFIX: place.env.AGENTPOOL_PREFIX ?? '' });
const pool = onePool(place);
const mcp = oneMcp(place);
const workers = new Map<string, Started>();
beforeAll(async () => {
  await Promise.all(
    [place, other].map(async (of) => {
      const env = { ...of.env, AGENTPOOL_ALLOWED_PATHS: place.work };
      workers.set(of.env.AGENTPOOL_HOST_NAME ?? '', await startWorkerProcess({ ...of, env }));
    }),
  );
});
afterAll(async () => {
  await Promise.all([...workers.values()].map((worker) => worker.end()));
  other.clean();
});

type Status = Facts & { runId: string; status: string; host: string; startedAt: number; endedAt: number; pid?: number };
const submit = (prompt: string, more: Facts = {}) =>
  mcp.call<Status>('run_agent', { runner: 'scripted', prompt, path: place.work, ...more });
const statusOf = (runId: string) => mcp.call<Status>('get_agent_status', { runId });
const statesOf = async (ids: readonly string[]) => Promise.all(ids.map(statusOf));
const used = async () => (await pool.queues.permits.use('scripted')).running;

/** How many of some runs were running at the moment when most of them were. */
function mostAtOnce(runs: readonly Status[]): number {
  const changes = runs.flatMap(({ startedAt, endedAt }) => [[startedAt, 1] as const, [endedAt, -1] as const]);
  let now = 0;
  const sums = changes.sort(([a, one], [b, two]) => a - b || one - two).map(([, change]) => (now += change));
  return Math.max(...sums);
}

test('two workers with eight slots never run more of a runner than the pool may, and leave none of it unused', async () => {
  const prompt = steps({ print: 'a\n' }, { pause: 150 }, { print: 'b\n' });
  const submitted = await Promise.all(
    Array.from({ length: 24 }, (_, at) => submit(prompt, at % 6 === 0 ? { host: 'two' } : {})),
  );
  const ids = submitted.map(({ runId }) => runId);
  for (const runId of ids) await mcp.call('wait_agent', { runId, timeoutMs: 100_000 });
  const ended = await statesOf(ids);
  expect(ended.map(({ status }) => status)).toEqual(ids.map(() => 'done'));
  expect(mostAtOnce(ended)).toBe(3);
  expect(new Set(ended.map(({ host }) => host))).toEqual(new Set(['one', 'two']));
  await eventually(async () => (await used()) === 0);
}, 120_000);

test('what waits for the limit says so, other runners do not wait, and the share of a worker that died is free again', async () => {
  const go = (at: number) => join(place.work, `go-${at}`);
  const long = await Promise.all(Array.from({ length: 5 }, (_, at) => submit(steps({ until: go(at) }))));
  const ids = long.map(({ runId }) => runId);
  const running = await eventually(
    async () => (await statesOf(ids)).filter(({ status }) => status === 'running'),
    ({ length }) => length === 3,
  );
  const waiting = (await statesOf(ids)).filter(({ status }) => status === 'queued');
  expect(waiting).toHaveLength(2);
  for (const one of waiting)
    expect(one.waitingFor).toMatchObject({
      kind: 'limit',
      message: "The pool's limit of 3 scripted runs at once is reached",
      hint: expect.stringMatching(/AGENTPOOL_POOL_CONCURRENCY/),
    });
  const bound = await submit(steps({ print: 'x\n' }), { host: 'two' });
  expect(await statusOf(bound.runId)).toMatchObject({ status: 'queued', waitingFor: { kind: 'limit' } });
  const plain = await submit(steps({ print: 'x\n' }), { runner: 'plain-text', host: 'two' });
  await mcp.call('wait_agent', { runId: plain.runId });
  expect(await statusOf(plain.runId)).toMatchObject({ status: 'done' });

  const { limits } = await mcp.call<{ limits: Facts }>('pool_status', {});
  expect(limits.runners).toEqual([
    { runner: 'scripted', atOnce: { used: 3, most: 3 }, startsLastMinute: { used: expect.any(Number), most: 0 } },
  ]);
  expect((await agentpool(place, ['workers'])).stdout).toMatch(/scripted: 3 of 3 at once in the whole pool/);
  expect((await agentpool(place, ['doctor'])).stdout).toMatch(/Limit of scripted .*3 of 3 at once/);

  // Who had at least one of them dies; its programs go on, and nobody keeps their permits.
  const host = running[0]?.host ?? '';
  const lost = running.filter((one) => one.host === host);
  await workers.get(host)?.end('SIGKILL');
  const alive = host === 'one' ? 'two' : 'one';
  const next = await eventually(
    async () => (await statesOf(ids)).filter((one) => one.status === 'running' && one.host === alive),
    (all) => all.length === Math.min(3, 5 - lost.length),
    60_000,
  );
  await eventually(async () => (await used()) === next.length);
  for (let at = 0; at < 5; at += 1) writeFileSync(go(at), '');
  // None is left behind, those of the dead worker included, before their directory goes.
  const pids = (await Promise.all(ids.map(statusOf))).flatMap(({ pid }) => pid ?? []);
  await eventually(() => pids.every((pid) => !existsSync(`/proc/${pid}`)));
}, 120_000);
