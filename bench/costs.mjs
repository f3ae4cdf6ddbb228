// What a run, output and a worker cost Redis and a worker: the figures that docs/scaling.md calculates with. They count and
// take processor time, so they hold on a machine that does other things, too. The limit is the same by a bare BullMQ queue.
import { makeWorld } from '../test/chaos/world.mjs';
import { bareBullMq, connectTo } from './bare-bullmq.mjs';
import { processMs } from './processor-time.mjs';
import { row } from './report.mjs';

const RUNS = 50;
const IDLE_S = 15;
const OUTPUT_MIB = 64;
const DEFAULTS = { AGENTPOOL_HEARTBEAT_MS: '5000', AGENTPOOL_LOCK_MS: '60000' };
/** Workers that all offer the runner of a run, for what each of them costs it. */
const MANY = 12;
let world = await makeWorld({ workers: [0], env: DEFAULTS });
let redis = connectTo(world);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function look() {
  const info = await redis.info();
  const field = (name) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  return {
    at: performance.now(),
    commands: field('total_commands_processed'),
    redisMs: (field('used_cpu_sys') + field('used_cpu_user')) * 1_000,
    net: field('total_net_input_bytes') + field('total_net_output_bytes'),
    memory: field('used_memory'),
    clients: field('connected_clients'),
    workerMs: processMs(world.workers[0].pid()),
  };
}
/** What happens in Redis and in the worker while something is done. */
async function during(action) {
  const before = await look();
  await action();
  const after = await look();
  return Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
}
/** The same without what an idle pool does in that time. */
const beyondIdle = (seen, idle, per) =>
  Object.fromEntries(Object.keys(seen).map((name) => [name, (seen[name] - (idle[name] * seen.at) / idle.at) / per]));

const short = async (count) => {
  for (let run = 0; run < count; run += 1) {
    const { runId } = await world.mcp.call('run_agent', { runner: 'shell', prompt: 'echo done' });
    await world.mcp.call('wait_agent', { runId });
  }
};
const printing = async () => {
  const prompt = `head -c ${OUTPUT_MIB * 2 ** 20} /dev/zero | tr '\\0' 'x' | fold -w 99`;
  const { runId } = await world.mcp.call('run_agent', { runner: 'shell', prompt });
  while ((await world.mcp.call('wait_agent', { runId, timeoutMs: 60_000 })).status !== 'done');
};

await short(5);
await pause(12_000);
const { clients } = await look();
const idle = await during(() => pause(IDLE_S * 1_000));
const run = beyondIdle(await during(() => short(RUNS)), idle, RUNS);
const output = beyondIdle(await during(printing), idle, OUTPUT_MIB);
const bare = bareBullMq(world);
await bare.ready();
const peer = await during(async () => {
  for (let count = 0; count < RUNS; count += 1) {
    const over = bare.ended(1);
    await bare.add('echo done');
    await over;
  }
});
await bare.stop();
redis.disconnect();
await world.end({ keep: false });

world = await makeWorld({ workers: Array.from({ length: MANY }, (_, host) => host), env: DEFAULTS });
redis = connectTo(world);
await short(5 * MANY);
await pause(12_000);
const idleMany = await during(() => pause(IDLE_S * 1_000));
const runOfMany = beyondIdle(await during(() => short(RUNS)), idleMany, RUNS);
redis.disconnect();
await world.end({ keep: false });
const ofOneMore = (name, many, one) => (many[name] - one[name]) / (MANY - 1);

const ms = (value) => `${value.toFixed(2)} ms`;
row({
  figure: 'Redis processor time of one short run, submitted and waited for',
  ours: ms(run.redisMs),
  limit: `BullMQ: ${ms(peer.redisMs / RUNS)}`,
  ratio: run.redisMs / (peer.redisMs / RUNS),
});
row({ figure: 'commands that Redis executes for it, those in scripts included', ours: run.commands.toFixed(0) });
row({ figure: 'bytes to and from Redis of one short run', ours: `${(run.net / 1_024).toFixed(1)} KiB` });
row({ figure: 'processor time of the worker of one short run, without the program', ours: ms(run.workerMs) });
row({ figure: 'Redis processor time of 1 MiB of output (lines of 100 bytes)', ours: ms(output.redisMs) });
row({ figure: 'bytes to and from Redis of 1 MiB of output', ours: `${(output.net / 2 ** 20).toFixed(2)} MiB` });
row({ figure: 'processor time of the worker of 1 MiB of output', ours: ms(output.workerMs) });
row({
  figure: 'an idle worker and an idle MCP server, a second',
  ours: `${(idle.commands / IDLE_S).toFixed(1)} commands, ${ms(idle.redisMs / IDLE_S)} of Redis, ${ms(idle.workerMs / IDLE_S)} of the worker`,
});
row({
  figure: `each further idle worker, a second (of ${MANY})`,
  ours: `${(ofOneMore('commands', idleMany, idle) / IDLE_S).toFixed(1)} commands, ${ms(ofOneMore('redisMs', idleMany, idle) / IDLE_S)} of Redis`,
});
row({
  figure: `each further worker that offers the runner, for one short run (of ${MANY})`,
  ours: `${ofOneMore('commands', runOfMany, run).toFixed(1)} commands, ${ms(ofOneMore('redisMs', runOfMany, run))} of Redis`,
});
row({ figure: 'connections of a worker and an MCP server together', ours: `${clients - 1}` });
