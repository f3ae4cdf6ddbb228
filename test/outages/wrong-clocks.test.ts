import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { connect, makePlace, type Place, steps } from '../support/pool.js';
import { agentpool, type McpSession, openMcp, startWorkerProcess } from '../support/processes.js';

const TEN_MINUTES = 600_000;
const DELAY_MS = 3_000;

/** The environment of a process whose local clock is wrong. */
const shifted = (place: Place, ms: number): Place => ({
  ...place,
  env: {
    ...place.env,
    NODE_OPTIONS: `--import=${new URL('../fixtures/shifted-clock.mjs', import.meta.url).href}`,
    TEST_CLOCK_SHIFT_MS: String(ms),
  },
});

async function delayed(session: McpSession): Promise<number> {
  const { runId } = await session.call<{ runId: string }>('run_agent', {
    runner: 'scripted',
    prompt: steps({ print: 'x' }),
    delayMs: DELAY_MS,
  });
  await session.call('wait_agent', { runId, timeoutMs: 20_000 });
  const run = await session.call<{ queuedAt: number; startedAt?: number }>('get_agent_status', { runId });
  return (run.startedAt ?? Number.POSITIVE_INFINITY) - run.queuedAt;
}

describe('a delay is that of the clock of Redis', () => {
  test.each([
    { who: 'the submitter', submitter: TEN_MINUTES, worker: 0 },
    { who: 'the submitter, behind,', submitter: -TEN_MINUTES, worker: 0 },
    { who: 'the worker', submitter: 0, worker: TEN_MINUTES },
    { who: 'the worker, behind,', submitter: 0, worker: -TEN_MINUTES },
  ])('when the clock of $who is wrong by ten minutes', async ({ submitter, worker }) => {
    const place = makePlace();
    const started = await startWorkerProcess(shifted(place, worker), '--runners', 'scripted');
    const session = await openMcp(shifted(place, submitter));
    try {
      const waited = await delayed(session);
      expect(waited).toBeGreaterThanOrEqual(DELAY_MS);
      expect(waited).toBeLessThan(DELAY_MS + 7_000); // a busy machine
      const listed = await agentpool(shifted(place, submitter), ['runs', '--since', '5m', '--json']);
      expect(JSON.parse(listed.stdout).runs).toHaveLength(1);
    } finally {
      await session.close();
      await started.end();
      place.clean();
    }
  });
});

describe('when the clock of Redis goes back', () => {
  test('the order is that of submission, and no time of a run is before an earlier one', async () => {
    const place = makePlace();
    const pool = await connect(place);
    const order = { runner: 'scripted', prompt: 'x', agentName: 'clock' };
    try {
      // What a clock leaves behind that was two hours ahead.
      await pool.runs.create('before', 'runs.scripted', order);
      const ahead = (await pool.runs.now()) + 7_200_000;
      const redis = new Redis({ path: (place.env.REDIS_URL ?? '').slice('unix://'.length) });
      for (const index of ['all', 'agent:clock'])
        await redis.zadd(`${place.env.AGENTPOOL_PREFIX}:runs:${index}`, ahead, 'before');
      redis.disconnect();
      await pool.runs.create('after1', 'runs.scripted', order);
      await pool.runs.create('after2', 'runs.scripted', order);
      const listed = await pool.runs.list({ agentName: 'clock' }, 10);
      expect(listed.map(({ id }) => id)).toEqual(['after2', 'after1', 'before']);

      const claimed = await pool.runs.claim('after1', 'worker', 'host');
      const own = { id: 'after1', epoch: claimed.epoch };
      await pool.runs.started(own, 1, '/');
      await pool.runs.end('after1', claimed.epoch, { state: 'done' });
      const run = await pool.runs.get('after1');
      const { queuedAt = 0, claimedAt = 0, startedAt = 0, endedAt = 0 } = run ?? {};
      expect([queuedAt, claimedAt, startedAt, endedAt]).toEqual([queuedAt, claimedAt, startedAt, endedAt].sort());
      expect(queuedAt).toBeGreaterThan(ahead);
    } finally {
      await pool.stop();
      place.clean();
    }
  });
});
