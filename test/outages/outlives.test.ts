import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identify, processesOf } from '../../src/worker/process/processes.js';
import { forEachTest } from '../support/beginnings.js';
import { type Place, steps } from '../support/pool.js';
import { eventually, type Facts, type McpSession } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';

interface Status extends Facts {
  runId: string;
  status: string;
  pid: number;
  worker: string;
}

const { cleanUp, startWorker, open } = forEachTest();

const run = (mcp: McpSession, ...list: Facts[]) =>
  mcp.call<Status>('run_agent', { runner: 'scripted', prompt: steps(...list) });
const status = (mcp: McpSession, runId: string) => mcp.call<Status>('get_agent_status', { runId });
const output = async (mcp: McpSession, runId: string) =>
  (await mcp.call<{ output: string }>('stream_agent_output', { runId, maxBytes: 1_048_576 })).output;
/** What is in the spools of the host, in whatever pool. */
const spools = (place: Place) =>
  readdirSync(join(place.home, 'spool')).flatMap((pool) => readdirSync(join(place.home, 'spool', pool, 'here')));
const nothing = (list: readonly unknown[]) => list.length === 0;

/** Lets a program go on that waits for it with `until`. */
const goOn = (place: Place) => writeFileSync(join(place.work, 'go on'), '');

/** The numbered lines that the scripted program logs to a file of its own: what has to arrive. */
const logged = (place: Place, name: string) => readFileSync(join(place.work, name), 'utf8');

describe('a run outlives its worker', () => {
  it('killed with SIGKILL: the next one attaches to the same process and no line is lost or doubled', async () => {
    const { place, worker, mcp } = await open();
    const { runId, pid } = await run(
      mcp,
      { mark: join(place.work, 'starts') },
      { lines: { count: 40, everyMs: 20, log: join(place.work, 'log') } },
      { until: join(place.work, 'go on') },
      { lines: { count: 20, log: join(place.work, 'log') } },
      { exit: 3 },
    );
    await eventually(
      () => status(mcp, runId),
      ({ outputBytes }) => Number(outputBytes) > 500,
    );
    await worker.end('SIGKILL');
    await eventually(
      () => existsSync(join(place.work, 'log')) && logged(place, 'log').length,
      (length) => Number(length) > 2_000,
    );
    await startWorker(place);
    expect(await status(mcp, runId)).toMatchObject({ status: 'running', pid });
    goOn(place);
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'failed', exitCode: 3 });
    expect(await output(mcp, runId)).toBe(logged(place, 'log'));
    expect(logged(place, 'starts')).toBe(`${pid}\n`);
    await eventually(() => spools(place), nothing);
  });

  it('also when the program ends while there is no worker at all', async () => {
    const { place, worker, mcp } = await open();
    const { runId } = await run(mcp, { lines: { count: 20, everyMs: 30, log: join(place.work, 'log') } }, { exit: 5 });
    const { pid } = await eventually(
      () => status(mcp, runId),
      ({ outputBytes }) => Number(outputBytes) > 100,
    );
    await worker.end('SIGKILL');
    await eventually(
      () => identify(pid),
      (found) => found === undefined,
    );
    await startWorker(place);
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'failed', exitCode: 5 });
    expect(await output(mcp, runId)).toBe(logged(place, 'log'));
  });

  it('stopped with SIGTERM: it detaches, and with drain it waits for the end', async () => {
    const { place, worker, mcp } = await open();
    const first = await run(
      mcp,
      { lines: { count: 10, log: join(place.work, 'log') } },
      { until: join(place.work, 'go on') },
      { lines: { count: 30, everyMs: 10, log: join(place.work, 'log') } },
    );
    await worker.end('SIGTERM');
    expect(identify(first.pid)).toBeDefined();
    const drainer = await startWorker(place, '--drain');
    expect((await status(mcp, first.runId)).status).toBe('running');
    const drained = drainer.end('SIGTERM');
    goOn(place);
    await drained;
    expect(identify(first.pid)).toBeUndefined();
    expect((await status(mcp, first.runId)).status).toBe('done');
    expect(await output(mcp, first.runId)).toBe(logged(place, 'log'));
  });

  it('paused: another worker of the host takes over, and the first can change nothing when it wakes', async () => {
    const { place, worker, mcp } = await open();
    const { runId, pid } = await run(
      mcp,
      { lines: { count: 40, everyMs: 10, log: join(place.work, 'log') } },
      { until: join(place.work, 'go on') },
      { lines: { count: 40, everyMs: 10, log: join(place.work, 'log') } },
    );
    await eventually(
      () => status(mcp, runId),
      ({ outputBytes }) => Number(outputBytes) > 500,
    );
    const before = (await status(mcp, runId)).worker;
    worker.child.kill('SIGSTOP');
    await startWorker(place);
    const after = await eventually(
      () => status(mcp, runId),
      (seen) => seen.worker !== before && seen.status === 'running',
    );
    worker.child.kill('SIGCONT');
    goOn(place);
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done', exitCode: 0 });
    expect(await status(mcp, runId)).toMatchObject({ worker: after.worker, pid });
    expect(await output(mcp, runId)).toBe(logged(place, 'log'));
  });

  it('gone for good: the run is orphaned, a kill is pending, and is carried out when a worker comes back', async () => {
    const { place, worker, mcp } = await open();
    const other = {
      ...place,
      env: { ...place.env, AGENTPOOL_HOST_NAME: 'there', AGENTPOOL_HOME: join(place.home, 'there') },
    };
    await startWorker(other);
    const { runId, pid } = await mcp.call<Status>('run_agent', {
      runner: 'scripted',
      prompt: steps({ pause: 600_000 }),
      host: 'here',
    });
    await worker.end('SIGKILL');
    await eventually(
      () => status(mcp, runId),
      (seen) => seen.status === 'orphaned',
    );
    expect(await mcp.call<Facts>('kill_agent', { runId })).toMatchObject({ killed: false, pending: true });
    expect(identify(pid)).toBeDefined();
    await startWorker(place);
    await eventually(
      () => status(mcp, runId),
      (seen) => seen.status === 'killed',
    );
    expect(processesOf(runId)).toEqual([]);
  });

  it('gone for longer than lostAfter: the run has failed, and says that it was lost', async () => {
    const { place, worker, mcp } = await open({ AGENTPOOL_LOST_AFTER_MS: '2500' });
    const other = {
      ...place,
      env: { ...place.env, AGENTPOOL_HOST_NAME: 'there', AGENTPOOL_HOME: join(place.home, 'there') },
    };
    await startWorker(other);
    const { runId } = await mcp.call<Status>('run_agent', {
      runner: 'scripted',
      prompt: steps({ pause: 600_000 }),
      host: 'here',
    });
    await worker.end('SIGKILL');
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({
      status: 'failed',
      failure: { kind: 'lost' },
    });
    await startWorker(place);
    await eventually(
      () => processesOf(runId),
      (left) => left.length === 0,
    );
    await eventually(() => spools(place), nothing);
  });

  it('when program and wrapper vanish without a word while no worker is there: failed (lost), at once', async () => {
    const { place, worker, mcp } = await open();
    const { runId } = await run(mcp, { print: 'x\n' }, { pause: 600_000 });
    await eventually(
      () => status(mcp, runId),
      ({ outputBytes }) => outputBytes === 2,
    );
    await worker.end('SIGKILL');
    for (const { pid } of processesOf(runId)) process.kill(pid, 'SIGKILL');
    await startWorker(place);
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({
      status: 'failed',
      failure: { kind: 'lost' },
    });
    expect(await output(mcp, runId)).toBe('x\n');
  });
});

describe('Redis away', () => {
  it('is bridged by the worker; tools say so within 5 s, and recover by themselves', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const { place, mcp } = await open({}, redis.url);
    const { runId, pid } = await run(
      mcp,
      { lines: { count: 100, everyMs: 10, log: join(place.work, 'log') } },
      { until: join(place.work, 'go on') },
      { lines: { count: 50, log: join(place.work, 'log') } },
      { exit: 0 },
    );
    await eventually(
      () => status(mcp, runId),
      ({ outputBytes }) => Number(outputBytes) > 500,
    );
    redis.kill();
    const asked = performance.now();
    await expect(status(mcp, runId)).rejects.toMatchObject({ code: 'redis_unreachable' });
    expect(performance.now() - asked).toBeLessThan(5_000);
    await redis.restart();
    await eventually(
      () => status(mcp, runId).catch(() => undefined),
      (seen) => seen?.status === 'running',
    );
    goOn(place);
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done', exitCode: 0 });
    expect(await status(mcp, runId)).toMatchObject({ pid });
    expect(await output(mcp, runId)).toBe(logged(place, 'log'));
  });
});
