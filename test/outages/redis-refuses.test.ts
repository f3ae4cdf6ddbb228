import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { onePoolOnItsOwnRedis } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, startWorkerProcess } from '../support/processes.js';

const pool = onePoolOnItsOwnRedis();
let admin: Redis;

beforeAll(() => {
  admin = new Redis({ path: pool.redis.url.slice('unix://'.length) });
});
afterAll(() => admin?.disconnect());

const submit = (...list: Facts[]) =>
  pool.session.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(...list) });
const readiness = async () => {
  const answer = await fetch(`${pool.serve.url}/readyz`);
  return { status: answer.status, text: await answer.text() };
};
const status = async (runId: string) => (await pool.session.call('get_agent_status', { runId })).status;

const REFUSALS = [
  { word: 'OOM', begin: ['CONFIG', 'SET', 'maxmemory', '1'], end: ['CONFIG', 'SET', 'maxmemory', '0'] },
  {
    word: 'NOREPLICAS',
    begin: ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
    end: ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
  },
  { word: 'READONLY', begin: ['REPLICAOF', '127.0.0.1', '1'], end: ['REPLICAOF', 'NO', 'ONE'] },
] as const;

describe('a Redis that refuses', () => {
  it.each(REFUSALS)(
    'with $word is told as what it is, by tools, command line and /readyz; and it passes',
    async (refusal) => {
      const [begin, ...beginArgs] = refusal.begin;
      await admin.call(begin, ...beginArgs);
      const error = await submit({ print: 'x' }).catch((thrown: Facts) => thrown);
      expect(error).toMatchObject({ code: 'redis_refused', message: expect.stringContaining(refusal.word) });
      expect(String((error as Facts).hint)).toMatch(/[Aa]sk again/);
      const command = await agentpool(pool.place, ['run', 'scripted', steps({ print: 'x' })]);
      expect(command).toMatchObject({ code: 69, stderr: expect.stringContaining(refusal.word) });
      expect(command.stderr).not.toContain('defect');
      expect(await readiness()).toMatchObject({ status: 503, text: expect.stringContaining(refusal.word) });
      const [end, ...endArgs] = refusal.end;
      await admin.call(end, ...endArgs);
      await eventually(readiness, (answer) => answer.status === 200);
      const { runId } = await eventually(
        () => submit({ print: 'x' }).catch(() => undefined),
        (answer) => answer !== undefined,
      ).then((answer) => answer ?? { runId: '' });
      await eventually(
        () => status(runId),
        (state) => state === 'done',
      );
    },
  );

  it.each(REFUSALS)('with $word does not keep a person from ending a run, and records it later', async (refusal) => {
    const { runId } = await submit({ pause: 60_000 });
    await eventually(
      () => status(runId),
      (state) => state === 'running',
    );
    const { pid } = await eventually(
      () => pool.session.call<{ pid?: number }>('get_agent_status', { runId }),
      ({ pid: known }) => known !== undefined,
    );
    const [begin, ...beginArgs] = refusal.begin;
    await admin.call(begin, ...beginArgs);
    const killed = await pool.session.call('kill_agent', { runId, graceMs: 200, reason: 'full' });
    expect(killed).toMatchObject({ pending: true, unconfirmed: true, hint: expect.stringContaining('told directly') });
    await eventually(() => isGone(pid ?? 0));
    const [end, ...endArgs] = refusal.end;
    await admin.call(end, ...endArgs);
    await eventually(
      () => status(runId).catch(() => ''),
      (state) => state === 'killed',
    );
  });

  it('and a kill that nobody hears is refused, not taken for told', async () => {
    const { runId } = await submit({ pause: 60_000 });
    await eventually(
      () => status(runId),
      (state) => state === 'running',
    );
    await pool.worker.end('SIGKILL');
    await admin.call('CONFIG', 'SET', 'maxmemory', '1');
    const answer = await pool.session.call('kill_agent', { runId }).catch((error: Facts) => error);
    expect(answer).toMatchObject({ code: 'redis_refused', message: expect.stringContaining('OOM') });
    await admin.call('CONFIG', 'SET', 'maxmemory', '0');
    const next = await startWorkerProcess(pool.place, '--runners', 'scripted');
    await pool.session.call('kill_agent', { runId });
    await eventually(
      () => status(runId),
      (state) => state === 'killed',
    );
    await next.end();
  });
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

describe('what only the configuration can put right', () => {
  test('a wrong password, a missing one and missing rights end with exit code 78', async () => {
    const path = pool.redis.url.slice('unix://'.length);
    await admin.call('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '+@connection', '+info');
    const asked = async (url: string) =>
      agentpool({ ...pool.place, env: { ...pool.place.env, REDIS_URL: url } }, ['runs']);
    const wrong = await asked(`unix://weak:wrong@${path}`);
    expect(wrong).toMatchObject({ code: 78, stderr: expect.stringContaining('WRONGPASS') });
    const weak = await asked(`unix://weak:secret@${path}`);
    expect(weak).toMatchObject({ code: 78, stderr: expect.stringContaining('NOPERM') });
    await admin.call('CONFIG', 'SET', 'requirepass', 'needed');
    const none = await asked(pool.redis.url);
    expect(none).toMatchObject({ code: 78, stderr: expect.stringContaining('NOAUTH') });
    await admin.call('CONFIG', 'SET', 'requirepass', '');
  });
});
