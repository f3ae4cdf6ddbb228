import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, steps } from '../support/pool.js';
import {
  agentpool,
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startServeProcess,
  startWorkerProcess,
} from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { type SilentProxy, startSilentProxy } from '../support/silent-proxy.mjs';

/** Noticed within 10 s and recovered 5 s later; what a busy machine needs comes on top. */
const BACK_WITHIN_MS = 15_000 + 10_000;
/** A tool answers within 5 s, whatever Redis does. */
const ANSWERED_WITHIN_MS = 5_000 + 2_000;

let redis: TestRedis;
let proxy: SilentProxy;
let place: Place;
let worker: Started;
let serve: Awaited<ReturnType<typeof startServeProcess>>;
let session: McpSession;

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startSilentProxy({ path: redis.url.slice('unix://'.length) });
  place = makePlace({}, proxy.url);
  worker = await startWorkerProcess(place, '--runners', 'scripted');
  serve = await startServeProcess(place);
  session = await openMcp(place);
});
afterAll(async () => {
  await session?.close();
  await serve?.end('SIGKILL');
  await worker?.end('SIGKILL');
  await proxy?.stop();
  await redis?.stop();
  place?.clean();
});

async function timed<Value>(action: Promise<Value>): Promise<{ tookMs: number; value?: Value; error?: Facts }> {
  const begun = performance.now();
  const settled = await action.then(
    (value) => ({ value }),
    (error: Facts) => ({ error }),
  );
  return { tookMs: performance.now() - begun, ...settled };
}

const submit = (...list: Facts[]) =>
  session.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(...list) });
const isReady = async () => (await fetch(`${serve.url}/readyz`)).status === 200;
const isDone = (runId: string) => async () =>
  (await session.call('get_agent_status', { runId }).catch(() => ({ status: 'unknown' }))).status;

describe('connections to Redis that fall silent while new ones work', () => {
  it('are noticed by server, board and worker, and made anew', async () => {
    const { runId } = await submit({ print: 'before' }, { pause: 20_000 }, { print: 'after' });
    await eventually(
      () => isDone(runId)(),
      (status) => status === 'running',
    );
    expect(proxy.silence()).toBeGreaterThan(5);

    const begun = performance.now();
    const first = await timed(session.call('list_runs', {}));
    expect(first.error).toMatchObject({ code: 'redis_unreachable' });
    expect(first.tookMs).toBeLessThan(ANSWERED_WITHIN_MS);
    expect(await isReady()).toBe(false);

    await eventually(isReady, Boolean, BACK_WITHIN_MS);
    const next = await eventually(
      () => submit({ print: 'new' }).catch(() => undefined),
      (answer) => answer !== undefined,
      BACK_WITHIN_MS,
    );
    await eventually(isDone(next?.runId ?? ''), (status) => status === 'done', BACK_WITHIN_MS);
    const backMs = performance.now() - begun;
    expect(backMs).toBeLessThan(BACK_WITHIN_MS);
    await eventually(isDone(runId), (status) => status === 'done', 40_000);
    console.log(`all connections silent: a new run was done after ${Math.round(backMs)} ms`);
  });

  it('are noticed where only the notifications are silent: nothing waits for them', async () => {
    await eventually(isReady, Boolean, BACK_WITHIN_MS);
    const { runId } = await submit({ pause: 60_000 });
    await eventually(isDone(runId), (status) => status === 'running');
    expect(proxy.silence('notifications')).toBeGreaterThanOrEqual(3);
    const begun = performance.now();

    const waited = await timed(session.call('wait_agent', { runId, timeoutMs: 3_000 }));
    expect(waited).toMatchObject({ value: { timedOut: true } });
    expect(waited.tookMs).toBeLessThan(3_000 + 2_000);
    await eventually(isReady, (ready) => !ready, 10_000);
    const toldMs = performance.now() - begun;
    expect(toldMs).toBeLessThan(10_000);
    await eventually(isReady, Boolean, BACK_WITHIN_MS);
    const backMs = performance.now() - begun;
    expect(backMs).toBeLessThan(BACK_WITHIN_MS);

    proxy.silence('notifications');
    const another = await timed(submit({ print: 'x' }));
    expect(another.error).toBeUndefined();
    expect(another.tookMs).toBeLessThan(ANSWERED_WITHIN_MS);
    const killed = await timed(session.call('kill_agent', { runId, graceMs: 500 }));
    expect(killed).toMatchObject({ value: { killed: true } });
    console.log(
      `notifications silent: /readyz told it after ${Math.round(toldMs)} ms and was well after ${Math.round(backMs)} ms; ` +
        `run_agent took ${Math.round(another.tookMs)} ms, kill_agent ${Math.round(killed.tookMs)} ms`,
    );
  });

  it('do not keep a command line: it says so and exits with 69', async () => {
    proxy.silenceHost();
    const { tookMs, value } = await timed(agentpool(place, ['runs']));
    proxy.speak();
    expect(value).toMatchObject({ code: 69 });
    expect(value?.stderr).toContain('Redis is unreachable');
    expect(tookMs).toBeLessThan(6_000 + 3_000);
  });
});
