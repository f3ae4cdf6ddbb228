// Ten runs of five seconds on a worker with ten slots, whose every word to Redis and back takes 200 ms.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { MAIN, makeWorld } from '../test/chaos/world.mjs';
import { connectTo } from './bare-bullmq.mjs';
import { row } from './report.mjs';

const ROUND_TRIP_MS = Number(process.argv[2] ?? 200);
const RUNS = 10;
const RUN_MS = 5_000;
/** Of a start and an end, one after the other, at the most. */
const ROUND_TRIPS = 20;

/** A socket before Redis where everything comes later, in its order. */
async function openSlowDoor(socket, behind) {
  const open = new Set();
  const later = (from, to) => from.on('data', (bytes) => setTimeout(() => to.write(bytes), ROUND_TRIP_MS / 2));
  const server = createServer((client) => {
    const redis = connect(behind);
    later(client, redis);
    later(redis, client);
    for (const side of [client, redis]) {
      open.add(side);
      side
        .on('error', () => {})
        .on('close', () => {
          client.destroy();
          redis.destroy();
        });
    }
  }).listen(socket);
  await once(server, 'listening');
  return () => {
    server.close();
    for (const side of open) side.destroy();
  };
}

const world = await makeWorld({ workers: [] });
const slow = join(world.root, 'slow.sock');
const close = await openSlowDoor(slow, join(world.root, 'redis.sock'));
const env = {
  ...world.env,
  REDIS_URL: `unix://${slow}`,
  AGENTPOOL_CONCURRENCY: String(RUNS),
  AGENTPOOL_HOME: join(world.root, 'slow'),
  AGENTPOOL_HOST_NAME: 'slow',
};
const worker = spawn(process.execPath, [MAIN, 'worker', '--json'], {
  cwd: world.work,
  env,
  stdio: ['ignore', 'pipe', 'ignore'],
});
await once(worker.stdout, 'data');
const redis = connectTo(world);
const begun = performance.now();
const submit = () => world.mcp.call('run_agent', { runner: 'shell', prompt: `sleep ${RUN_MS / 1_000}` });
await Promise.all(Array.from({ length: RUNS }, submit));
while ((await redis.zcard('agentpool:runs:state:done')) < RUNS) await new Promise((resolve) => setTimeout(resolve, 5));
const tookMs = performance.now() - begun;
redis.disconnect();
worker.kill('SIGTERM');
await once(worker, 'exit');
close();
await world.end({ keep: false });
const roundTrips = (tookMs - RUN_MS) / ROUND_TRIP_MS;
row({
  figure: `${RUNS} runs of ${RUN_MS / 1_000} s on ${RUNS} slots, ${ROUND_TRIP_MS} ms from Redis (round trips besides the runs)`,
  ours: `${(tookMs / 1_000).toFixed(1)} s, ${roundTrips.toFixed(0)} round trips`,
  limit: `${RUN_MS / 1_000} s`,
  value: roundTrips,
  goal: `<= ${ROUND_TRIPS}`,
});
