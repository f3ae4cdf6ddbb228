import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identify } from '../../src/worker/process/processes.js';
import { forEachTest } from '../support/beginnings.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, type McpSession } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';

interface Status extends Facts {
  runId: string;
  status: string;
  pid: number;
}

const { cleanUp, startWorker, open } = forEachTest();

/** Writes down its begin, says which session it uses, ends when it is let go, and writes that down. */
const talk = (place: Place, name: string, session: string) =>
  steps(
    { note: { file: join(place.work, 'log'), text: `${name} begins` } },
    { print: `${JSON.stringify({ session_id: session })}\n` },
    { until: join(place.work, `${name} may end`) },
    { note: { file: join(place.work, 'log'), text: `${name} ends` } },
  );
const letGo = (place: Place, name: string) => writeFileSync(join(place.work, `${name} may end`), '');
function log(place: Place): string[] {
  const file = join(place.work, 'log');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

function caller(place: Place, mcp: McpSession) {
  const run = (name: string, session: string, more: Facts = {}) =>
    mcp.call<Status>('run_agent', { runner: 'scripted', prompt: talk(place, name, session), ...more });
  const status = (runId: string) => mcp.call<Status>('get_agent_status', { runId });
  return {
    status,
    /** Begins a new session and waits until it is known. */
    begin: async (name: string, session: string, more: Facts = {}) => {
      const { runId } = await run(name, session, more);
      return eventually(
        () => status(runId),
        ({ sessionId }) => sessionId === session,
      );
    },
    resume: (name: string, session: string, more: Facts = {}) => run(name, session, { sessionId: session, ...more }),
    has: (runId: string, wanted: string) =>
      eventually(
        () => status(runId),
        ({ status: state }) => state === wanted,
        40_000,
      ),
    end: (runId: string) => mcp.call<Status>('wait_agent', { runId, timeoutMs: 40_000 }),
  };
}

describe('two runs of one session', () => {
  it('follow each other in the order of their asking, each visibly waiting for the one before', async () => {
    const { place, mcp } = await open();
    const { begin, resume, status, has, end } = caller(place, mcp);
    const first = await begin('first', 's1', { agentName: 'ann' });
    const second = await resume('second', 's1');
    expect(second).toMatchObject({
      status: 'queued',
      waitingFor: { kind: 'session', runId: first.runId },
      hint: expect.stringContaining('s1'),
    });
    const third = await mcp.call<Status>('run_agent', {
      runner: 'scripted',
      agentName: 'ann',
      autoResume: true,
      prompt: talk(place, 'third', 's1'),
    });
    expect(third).toMatchObject({
      status: 'queued',
      waitingFor: { kind: 'session', runId: first.runId },
      sessionId: 's1',
    });
    const other = await begin('other', 's2');
    expect(await status(second.runId)).toMatchObject({
      status: 'queued',
      waitingFor: { kind: 'session', runId: first.runId },
    });
    const { runs } = await mcp.call<{ runs: Status[] }>('list_runs', { status: 'queued' });
    expect(runs.map(({ waitingFor }) => (waitingFor as Facts).runId)).toEqual([first.runId, first.runId]);
    expect((await agentpool(place, ['status', second.runId])).stdout).toMatch(`is in use by run ${first.runId}`);
    expect((await agentpool(place, ['runs'])).stdout).toContain(`is in use by run ${first.runId}`);

    letGo(place, 'first');
    await has(second.runId, 'running');
    expect(await status(second.runId)).not.toMatchObject({ waitingFor: { kind: 'session' } });
    expect(await status(third.runId)).toMatchObject({
      status: 'queued',
      waitingFor: { kind: 'session', runId: second.runId },
    });
    for (const name of ['second', 'third', 'other']) letGo(place, name);
    for (const { runId } of [first, second, third, other]) expect(await end(runId)).toMatchObject({ status: 'done' });
    expect(log(place).filter((line) => !line.startsWith('other'))).toEqual(
      ['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]),
    );
  });

  it('take one slot: while one waits for its turn, others run', async () => {
    const { place, mcp } = await open({ AGENTPOOL_CONCURRENCY: '2' });
    const { begin, resume, status, end } = caller(place, mcp);
    const first = await begin('first', 's1');
    const waiting = await Promise.all([1, 2, 3].map((n) => resume(`waiting ${n}`, 's1')));
    const stranger = await begin('stranger', 's2');
    for (const { runId } of waiting)
      expect(await status(runId)).toMatchObject({ waitingFor: { kind: 'session', runId: first.runId } });
    for (const name of ['first', 'stranger', 'waiting 1', 'waiting 2', 'waiting 3']) letGo(place, name);
    for (const { runId } of [first, stranger, ...waiting]) expect(await end(runId)).toMatchObject({ status: 'done' });
    const lines = log(place).filter((line) => line.startsWith('waiting'));
    expect(lines.filter((_, at) => at % 2 === 0).map((line) => line.replace('begins', 'ends'))).toEqual(
      lines.filter((_, at) => at % 2 === 1),
    );
  });

  it('are no obstacle to each other when one of them is killed, be it the one that waits or the one that runs', async () => {
    const { place, mcp } = await open();
    const { begin, resume, status, has } = caller(place, mcp);
    const first = await begin('first', 's1');
    const second = await resume('second', 's1');
    const third = await resume('third', 's1');
    expect(await mcp.call<Facts>('kill_agent', { runId: second.runId })).toMatchObject({ killed: true });
    expect(await status(third.runId)).toMatchObject({ waitingFor: { kind: 'session', runId: first.runId } });
    expect(await mcp.call<Facts>('kill_agent', { runId: first.runId })).toMatchObject({ killed: true });
    expect(identify(first.pid)).toBeUndefined();
    const running = await has(third.runId, 'running');
    await eventually(
      () => log(place),
      (lines) => lines.includes('third begins'),
    );
    expect(log(place)).toEqual(['first begins', 'third begins']);
    await mcp.call('kill_agent', { runId: running.runId, graceMs: 100 });
  });

  it('stay one after the other over the death of a worker', async () => {
    const { place, worker, mcp } = await open({ AGENTPOOL_LOCK_MS: '2000' });
    const { begin, resume, status, end } = caller(place, mcp);
    const first = await begin('first', 's1');
    const second = await resume('second', 's1');
    await worker.end('SIGKILL');
    await startWorker(place);
    expect(await status(second.runId)).toMatchObject({
      status: 'queued',
      waitingFor: { kind: 'session', runId: first.runId },
    });
    expect(await status(first.runId)).toMatchObject({ status: 'running', pid: first.pid });
    letGo(place, 'first');
    letGo(place, 'second');
    expect(await end(second.runId)).toMatchObject({ status: 'done' });
    expect(log(place)).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
  });

  it('stay one after the other over a crash of Redis', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const { place, mcp } = await open({ AGENTPOOL_LOCK_MS: '2000' }, redis.url);
    const { begin, resume, has, end } = caller(place, mcp);
    const first = await begin('first', 's1');
    const second = await resume('second', 's1');
    const third = await resume('third', 's1');
    await eventually(
      () => mcp.call<{ queues: { delayed: number }[] }>('pool_status', {}),
      ({ queues }) => queues.reduce((sum, { delayed }) => sum + delayed, 0) === 2,
    );
    redis.kill();
    letGo(place, 'first'); // it ends while nobody can be told
    await redis.restart();
    await has(second.runId, 'running');
    letGo(place, 'second');
    letGo(place, 'third');
    for (const { runId } of [first, second, third]) expect(await end(runId)).toMatchObject({ status: 'done' });
    expect(log(place)).toEqual(['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('are separated by the end of the one whose host is given up, when that host returns', async () => {
    // It is given up long enough after its silence was noticed, which a busy machine takes seconds for.
    const { place: east, worker, mcp } = await open({ AGENTPOOL_LOST_AFTER_MS: '15000', AGENTPOOL_LOCK_MS: '2000' });
    const west = makePlace({ ...east.env, AGENTPOOL_HOST_NAME: 'there' });
    cleanUp.push(west.clean);
    const { begin, resume, status, has, end } = caller(east, mcp);
    const first = await begin('first', 's1');
    await startWorker({ ...west, env: { ...west.env, AGENTPOOL_HOME: west.home } });
    const second = await resume('second', 's1');
    await worker.end('SIGKILL');
    await has(first.runId, 'orphaned');
    expect(await status(second.runId)).toMatchObject({
      status: 'queued',
      waitingFor: { kind: 'session', runId: first.runId },
    });
    expect(await has(first.runId, 'failed')).toMatchObject({ failure: { kind: 'lost' } });
    expect(await status(second.runId)).toMatchObject({ status: 'queued' });
    expect(identify(first.pid)).toBeDefined();
    letGo(east, 'second');
    await startWorker(east);
    expect(await end(second.runId)).toMatchObject({ status: 'done' });
    expect(await status(second.runId)).toMatchObject({ host: 'here' });
    expect(identify(first.pid)).toBeUndefined();
    expect(log(east)).toEqual(['first begins', 'second begins', 'second ends']);
  });
});

describe('a resumed session', () => {
  it('gets the directory and the home that it began with, and is refused where that home is gone', async () => {
    const { place, worker, mcp } = await open();
    const { status, end } = caller(place, mcp);
    const own = join(place.work, 'own');
    mkdirSync(own);
    const home = join(place.work, 'home-of-then');
    mkdirSync(home);
    await worker.end();
    const then = await startWorker({ ...place, env: { ...place.env, HOME: home } });
    const hello = [{ print: '{"session_id":"s1"}\n' }, { environment: ['HOME'] }, { directory: true }] as const;
    const first = await mcp.call<Status>('run_agent', { runner: 'scripted', path: own, prompt: steps(...hello) });
    expect(await end(first.runId)).toMatchObject({ status: 'done' });
    await then.end();
    await startWorker(place);
    const resume = () =>
      mcp.call<Status>('run_agent', { runner: 'scripted', sessionId: 's1', prompt: steps(...hello.slice(1)) });
    const second = await end((await resume()).runId);
    expect(second).toMatchObject({ status: 'done', output: `${JSON.stringify({ HOME: home })}\n${own}\n` });
    rmSync(home, { recursive: true });
    const third = await resume();
    await end(third.runId);
    const message = expect.stringContaining(`session s1 lives in the home ${home}`);
    expect(await status(third.runId)).toMatchObject({ failure: { kind: 'invalid_request', message } });
  });
});
