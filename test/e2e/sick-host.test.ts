import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, steps } from '../support/pool.js';
import {
  agentpool,
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';

const sick = makePlace({ AGENTPOOL_HOST_NAME: 'sick', AGENTPOOL_LOG_LEVEL: 'silent' });
const healthy = (() => {
  const own = makePlace({ AGENTPOOL_HOST_NAME: 'healthy', AGENTPOOL_PREFIX: sick.env.AGENTPOOL_PREFIX ?? '' });
  return { ...own, env: { ...own.env, AGENTPOOL_ALLOWED_PATHS: `${own.work}:${sick.work}` } };
})();
let workers: Started[] = [];
let mcp: McpSession;
let spools: string;

beforeAll(async () => {
  workers = await Promise.all([startWorkerProcess(sick), startWorkerProcess(healthy)]);
  mcp = await openMcp(healthy);
  const pool = join(sick.home, 'spool', readdirSync(join(sick.home, 'spool'))[0] ?? '');
  spools = join(pool, 'sick');
});
afterAll(async () => {
  await mcp.close();
  await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
  sick.clean();
  healthy.clean();
});

type Status = Facts & { runId: string; status: string; host: string };
const prompt = steps({ print: 'done\n' });
/** However long a call may wait: beside other tests sixty runs on one worker take longer. */
const ended = async (runId: string) => {
  await eventually(
    () => mcp.call<Facts>('wait_agent', { runId }),
    ({ timedOut }) => timedOut !== true,
    100_000,
  );
  return mcp.call<Status>('get_agent_status', { runId });
};
const sickWorker = async () => {
  const { workers: all } = await mcp.call<{ workers: (Facts & { problem?: Facts })[] }>('pool_status', {});
  return all.find(({ host }) => host === 'sick');
};

describe('a worker whose spool cannot be written, beside a healthy one', () => {
  let bound: string;

  it('takes no run from it: 60 of 60 are done', async () => {
    // As root no permission stops us, so a file takes the place of the directory.
    renameSync(spools, `${spools}.away`);
    writeFileSync(spools, '');
    const runs = Array.from({ length: 60 }, () => mcp.call<Status>('run_agent', { runner: 'scripted', prompt }));
    const seen = await Promise.all((await Promise.all(runs)).map(({ runId }) => ended(runId)));
    const done = seen.filter(({ status, host }) => status === 'done' && host === 'healthy');
    console.info(`${done.length} of ${seen.length} runs done on the healthy host`);
    expect(done.length).toBe(60);
  });

  it('says so in pool_status and doctor, and the run bound to it waits and says for what', async () => {
    ({ runId: bound } = await mcp.call<Status>('run_agent', { runner: 'scripted', host: 'sick', prompt }));
    await eventually(sickWorker, (worker) => worker?.problem !== undefined);
    expect(await sickWorker()).toMatchObject({ alive: true, problem: { kind: 'spool', since: expect.any(Number) } });
    const { stdout } = await agentpool(healthy, ['doctor']);
    expect(stdout).toMatch(/Worker sick .*takes no runs since/);
    expect(await mcp.call<Status>('get_agent_status', { runId: bound })).toMatchObject({
      status: 'queued',
      hostProblem: { kind: 'spool' },
    });
  });

  it('takes work again by itself after the repair', async () => {
    rmSync(spools);
    renameSync(`${spools}.away`, spools);
    expect(await ended(bound)).toMatchObject({ status: 'done', host: 'sick' });
    expect(await sickWorker()).not.toHaveProperty('problem');
  });
});
