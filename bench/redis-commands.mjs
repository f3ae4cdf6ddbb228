// What Redis does for one short run (commands, and bytes that stay), and for a worker that has nothing to do. A command is
// whatever Redis executes, those inside of scripts included; beside it what a bare BullMQ queue has it do for the same.
import { makeWorld } from '../test/chaos/world.mjs';
import { bareBullMq, connectTo } from './bare-bullmq.mjs';
import { row } from './report.mjs';

const RUNS = Number(process.argv[2] ?? 60);
const IDLE_S = 10;
/** After this (ms) a worker has cleared up what it kept of ended runs for a while. */
const KEPT_MS = 12_000;
const DEFAULTS = { AGENTPOOL_HEARTBEAT_MS: '5000', AGENTPOOL_LOCK_MS: '60000' };
const world = await makeWorld({ workers: [0], env: DEFAULTS });
const redis = connectTo(world);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How often Redis has executed each command so far, without our own questions. */
async function executed() {
  const text = await redis.info('commandstats');
  const counts = [...text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]);
  return new Map(counts.filter(([name]) => name !== 'info' && name !== 'memory|usage'));
}
/** What an action has Redis execute: of each command, and together. */
async function during(action) {
  const before = await executed();
  await action();
  const after = await executed();
  const counts = [...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)]).filter(([, n]) => n > 0);
  return { total: counts.reduce((sum, [, n]) => sum + n, 0), counts: counts.sort((a, b) => b[1] - a[1]) };
}
const shown = ({ counts }, per) =>
  counts
    .slice(0, 14)
    .map(([name, n]) => `${name} ${(n / per).toFixed(1)}`)
    .join(', ');
const memory = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);

async function ours(count) {
  for (let run = 0; run < count; run += 1) {
    const { runId } = await world.mcp.call('run_agent', { runner: 'shell', prompt: 'echo done' });
    await world.mcp.call('wait_agent', { runId });
  }
}
const bare = bareBullMq(world);
await bare.ready();
async function peer(count) {
  for (let run = 0; run < count; run += 1) {
    const over = bare.ended(1);
    await bare.add('echo done');
    await over;
  }
}

await ours(5);
await peer(5);
await pause(KEPT_MS);
const idle = (await during(() => pause(IDLE_S * 1_000))).total / IDLE_S;
const before = await memory();
const own = await during(() => ours(RUNS));
await pause(KEPT_MS);
const bytes = ((await memory()) - before) / RUNS;
const limit = await during(() => peer(RUNS));
await bare.stop();
process.stdout.write(`of a run: ${shown(own, RUNS)}\n`);
const workers = await during(() => pause(IDLE_S * 1_000));
process.stdout.write(`of ${IDLE_S} idle seconds: ${shown(workers, 1)}\n`);
redis.disconnect();
await world.end({ keep: false });

row({
  figure: 'Redis commands of one short run, submitted and waited for',
  ours: `${(own.total / RUNS).toFixed(0)}`,
  limit: `BullMQ: ${(limit.total / RUNS).toFixed(0)}`,
  ratio: own.total / limit.total,
  value: own.total / RUNS,
  goal: '<= 90',
});
row({
  figure: 'Redis commands a second of an idle worker (beside an idle MCP server and a bare BullMQ worker)',
  ours: `${(workers.total / IDLE_S).toFixed(1)} (${idle.toFixed(1)} with the other worker)`,
  value: workers.total / IDLE_S,
  goal: '<= 2',
});
row({
  figure: 'Redis bytes that stay of an ended short run',
  ours: `${(bytes / 1_024).toFixed(1)} KiB`,
  value: bytes / 1_024,
  goal: '<= 4',
});
