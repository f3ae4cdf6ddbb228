import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StartedHttp } from '../../src/http/start.js';
import type { Pool } from '../../src/shared/pool.js';
import { ask, serveHttp } from '../support/http.js';
import { connect, makePlace, type Place } from '../support/pool.js';
import { eventually } from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';

const BROWSER = { headers: { accept: 'text/html,application/xhtml+xml' } };

let redis: TestRedis;
let place: Place;
let pool: Pool;
let board: StartedHttp;

beforeEach(async () => {
  redis = await startRedis();
  place = makePlace(
    // So low that a flood exceeds the rate however slow the machine is.
    { AGENTPOOL_PORT: '0', AGENTPOOL_LOG_LEVEL: 'silent', AGENTPOOL_REQUESTS_PER_SECOND: '10' },
    redis.url,
  );
  pool = await connect(place);
  board = await serveHttp(pool);
});

afterEach(async () => {
  await board.stop();
  await pool.stop();
  await redis.stop();
  place.clean();
});

const ready = async () => {
  const { status, body } = await ask(`${board.url}/readyz`);
  return { status, body: JSON.parse(body) as unknown };
};
const isReady = () => eventually(ready, ({ status }) => status === 200);

it('is alive but not ready while Redis stands still, answers pages with 503, and recovers by itself', async () => {
  await isReady();
  process.kill(redis.pid, 'SIGSTOP');
  try {
    expect(await ready()).toEqual({
      status: 503,
      body: { ok: false, problem: 'Redis has not answered within 2000 ms' },
    });
    expect((await ask(`${board.url}/healthz`)).status).toBe(200);
    const page = await ask(`${board.url}/`, BROWSER);
    expect(page.status).toBe(503);
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    expect(page.body).toContain('<h1>Redis is unreachable</h1>');
    expect(page.body).toContain('data-refresh-ms');
    const jobs = await ask(`${board.url}/queues/api/queues`);
    expect([jobs.status, JSON.parse(jobs.body)]).toEqual([
      503,
      expect.objectContaining({ code: 'redis_unreachable', hint: expect.any(String) }),
    ]);
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  expect(await isReady()).toEqual({ status: 200, body: { ok: true } });
  expect((await ask(`${board.url}/`, BROWSER)).status).toBe(200);
});

it('is asked by a flood whether it is ready: the rate is answered, and Redis is asked once for many', async () => {
  await isReady();
  const told = new Redis({ path: redis.url.replace('unix://', '') });
  const asked = async () => Number(/total_commands_processed:(\d+)/.exec(await told.info('stats'))?.[1]);
  const before = await asked();
  const answers: Awaited<ReturnType<typeof ask>>[] = [];
  const askAtOnce = () => Promise.all(Array.from({ length: 100 }, () => ask(`${board.url}/readyz`)));
  while (answers.length < 1_000) answers.push(...(await askAtOnce()));
  const questions = (await asked()) - before;
  told.disconnect();
  const answered = answers.filter(({ status }) => status === 200).length;
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(1_000 - answered);
  expect(answered).toBeGreaterThanOrEqual(100);
  expect(answered).toBeLessThan(1_000);
  expect(questions).toBeLessThan(answered); // each by itself would be one at least; how many share one depends on the machine
});

it('is not ready while Redis is gone, and is ready again once there is one at the same place', async () => {
  await isReady();
  await redis.stop();
  const away = await eventually(ready, ({ status }) => status === 503);
  expect(away.body).toEqual({ ok: false, problem: expect.stringMatching(/^Redis /) });
  const socket = redis.url.replace(/^unix:\/\//, '');
  mkdirSync(dirname(socket), { recursive: true });
  const args = ['--port', '0', '--unixsocket', socket, '--dir', dirname(socket), '--save', ''];
  const next = spawn('redis-server', args, { stdio: 'ignore' });
  try {
    expect((await isReady()).body).toEqual({ ok: true });
    expect((await ask(`${board.url}/queues/api/queues`)).status).toBe(200);
  } finally {
    next.kill('SIGKILL');
    await once(next, 'exit');
  }
});
