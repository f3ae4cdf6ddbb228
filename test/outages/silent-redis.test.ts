import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { onePoolOnItsOwnRedis } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { agentpool, eventually, type Facts } from '../support/processes.js';
import { startSilentProxy } from '../support/silent-proxy.mjs';

/** Noticed within 10 s and recovered 5 s later; what a busy machine needs comes on top. */
const BACK_WITHIN_MS = 15_000 + 10_000;
/** A tool answers within 5 s, whatever Redis does. */
const ANSWERED_WITHIN_MS = 5_000 + 2_000;

const pool = onePoolOnItsOwnRedis((redis) => startSilentProxy({ path: redis.url.slice('unix://'.length) }));

async function timed<Value>(action: Promise<Value>): Promise<{ tookMs: number; value?: Value; error?: Facts }> {
  const begun = performance.now();
  const settled = await action.then(
    (value) => ({ value }),
    (error: Facts) => ({ error }),
  );
  return { tookMs: performance.now() - begun, ...settled };
}

const submit = (...list: Facts[]) =>
  pool.session.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(...list) });
const isReady = async () => (await fetch(`${pool.serve.url}/readyz`)).status === 200;
/** Asks for readiness again and again from now on; `refused`: whether it was not ready at any time. */
function watchReadiness(): { refused: () => boolean; stop: () => void } {
  let refused = false;
  let stopped = false;
  const watching = async () => {
    while (!stopped) {
      if (!(await isReady())) refused = true;
      await pause(50);
    }
  };
  watching().catch(() => {}); // the server is gone: the test that asks it finds that
  return {
    refused: () => refused,
    stop: () => {
      stopped = true;
    },
  };
}
const isDone = (runId: string) => async () =>
  (await pool.session.call('get_agent_status', { runId }).catch(() => ({ status: 'unknown' }))).status;

describe('connections to Redis that fall silent while new ones work', () => {
  it('are noticed by server, board and worker, and made anew', async () => {
    const { runId } = await submit({ print: 'before' }, { pause: 20_000 }, { print: 'after' });
    await eventually(
      () => isDone(runId)(),
      (status) => status === 'running',
    );
    const readiness = watchReadiness(); // the server may be well again before the tool has answered
    expect(pool.between.silence()).toBeGreaterThan(5);

    const begun = performance.now();
    const first = await timed(pool.session.call('list_runs', {}));
    expect(first.error).toMatchObject({ code: 'redis_unreachable' });
    expect(first.tookMs).toBeLessThan(ANSWERED_WITHIN_MS);
    await eventually(readiness.refused, Boolean, BACK_WITHIN_MS);
    readiness.stop();

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
    await eventually(() => pool.session.call('list_runs', {}).catch(() => undefined), Boolean, BACK_WITHIN_MS);
    const { runId } = await submit({ pause: 60_000 });
    await eventually(isDone(runId), (status) => status === 'running');
    expect(pool.between.silence('notifications')).toBeGreaterThanOrEqual(3);
    const begun = performance.now();

    const waited = await timed(pool.session.call('wait_agent', { runId, timeoutMs: 3_000 }));
    expect(waited).toMatchObject({ value: { timedOut: true } });
    expect(waited.tookMs).toBeLessThan(3_000 + 2_000);
    await eventually(isReady, (ready) => !ready, 10_000);
    const toldMs = performance.now() - begun;
    expect(toldMs).toBeLessThan(10_000);
    await eventually(isReady, Boolean, BACK_WITHIN_MS);
    const backMs = performance.now() - begun;
    expect(backMs).toBeLessThan(BACK_WITHIN_MS);

    pool.between.silence('notifications');
    const another = await timed(submit({ print: 'x' }));
    expect(another.error).toBeUndefined();
    expect(another.tookMs).toBeLessThan(ANSWERED_WITHIN_MS);
    const killed = await timed(pool.session.call('kill_agent', { runId, graceMs: 500 }));
    expect(killed).toMatchObject({ value: { killed: true } });
    console.log(
      `notifications silent: /readyz told it after ${Math.round(toldMs)} ms and was well after ${Math.round(backMs)} ms; ` +
        `run_agent took ${Math.round(another.tookMs)} ms, kill_agent ${Math.round(killed.tookMs)} ms`,
    );
  });

  it('do not keep a command line: it says so and exits with 69', async () => {
    const well = await timed(agentpool(pool.place, ['runs']));
    pool.between.silenceHost();
    const { tookMs, value } = await timed(agentpool(pool.place, ['runs']));
    pool.between.speak();
    expect(value).toMatchObject({ code: 69 });
    expect(value?.stderr).toContain('Redis is unreachable');
    expect(tookMs).toBeLessThan(6_000 + 3_000 + well.tookMs); // a busy machine
  });
});
