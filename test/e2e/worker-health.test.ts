import { request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cleanUpAfterEach } from '../support/beginnings.js';
import { makePlace, type Place } from '../support/pool.js';
import { agentpool, eventually, startWorkerProcess } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';
import { startSilentProxy } from '../support/silent-proxy.mjs';

const cleanUp = cleanUpAfterEach();

/** How a probe sees a worker: its status, or `silent` when nothing is answered within 4 s. */
async function probe(at: string, path: string): Promise<{ status: number | 'silent'; text: string }> {
  return new Promise((resolve) => {
    const where = at.startsWith('/') ? { socketPath: at } : { host: new URL(at).hostname, port: new URL(at).port };
    const asking = request({ ...where, path, timeout: 4_000 }, async (response) => {
      let text = '';
      for await (const part of response) text += part;
      resolve({ status: response.statusCode ?? 0, text });
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve({ status: 'silent', text: '' }));
    asking.end();
  });
}

async function worker(place: Place) {
  const started = await startWorkerProcess(place, '--runners', 'scripted');
  cleanUp.push(() => started.end('SIGKILL'));
  const { healthAt } = JSON.parse(started.line) as { healthAt: string };
  return { ...started, see: (path: string) => probe(healthAt, path), healthAt };
}

test('a worker tells by HTTP that it lives and is ready, that Redis is silent, and that it hangs', async () => {
  const redis = await startRedis();
  const proxy = await startSilentProxy({ path: redis.url.slice('unix://'.length) });
  const place = makePlace({ AGENTPOOL_WORKER_HEALTH: '0' }, proxy.url);
  cleanUp.push(redis.stop, proxy.stop, place.clean);
  const { see, child } = await worker(place);
  expect(await see('/healthz')).toEqual({ status: 200, text: '{"ok":true}' });
  await eventually(
    () => see('/readyz'),
    ({ status }) => status === 200,
  );
  expect(await see('/')).toMatchObject({ status: 404 });

  proxy.silenceHost();
  const unready = await eventually(
    () => see('/readyz'),
    ({ status }) => status === 503,
  );
  expect(unready.text).toContain('Redis');
  expect(await see('/healthz')).toMatchObject({ status: 200 });
  proxy.speak();
  await eventually(
    () => see('/readyz'),
    ({ status }) => status === 200,
  );

  child.kill('SIGSTOP'); // as an event loop that does not come round
  await eventually(
    () => see('/healthz'),
    ({ status }) => status === 'silent',
  );
  child.kill('SIGCONT');
  await eventually(
    () => see('/readyz'),
    ({ status }) => status === 200,
  );
});

test('a worker tells by a unix socket why its host cannot start runs, and takes the socket of one that was killed', async () => {
  const place = makePlace({ AGENTPOOL_SPOOL_RESERVE_BYTES: String(2 ** 40) });
  cleanUp.push(place.clean);
  const socket = join(place.home, 'health.sock');
  place.env.AGENTPOOL_WORKER_HEALTH = socket;
  const first = await worker(place);
  expect(first.healthAt).toBe(socket);
  const unready = await eventually(
    () => first.see('/readyz'),
    ({ status }) => status === 503,
  );
  expect(unready.text).toContain('(disk)');
  expect(await first.see('/healthz')).toMatchObject({ status: 200 });

  await first.end('SIGKILL');
  const second = await worker(place);
  expect(await second.see('/healthz')).toMatchObject({ status: 200 });

  const refused = await agentpool({ ...place, env: { ...place.env, AGENTPOOL_HOST_NAME: 'another' } }, ['worker']);
  expect(refused).toMatchObject({ code: 78, stderr: expect.stringContaining('AGENTPOOL_WORKER_HEALTH') });
});
