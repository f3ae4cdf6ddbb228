// What Redis does for one short run (commands, and bytes that stay), and for a worker that has nothing to do. A command is
// whatever Redis executes, those inside of scripts included; beside it what a bare BullMQ queue has it do for the same.
import { makeWorld } from '../test/chaos/world.mjs';
import { bareBullMq, connectTo } from './bare-bullmq.mjs';
import { row } from './report.mjs';

const NOTES = {
  run: `BullMQ's own scripts are half of the goal (44: placing 11, taking 13, ending 20). Of the rest, 14 entries of sorted sets
    are what finds and counts the run by agent, runner, principal, host and state; each change is one script of four to six
    commands (compare, write, stream, notify), the end twelve; six looks at the record and four at the register. A claim, a
    launch and a start that are one step would start programs twice or lose runs after a crash in between. Each run that lasts
    longer than a second counts the commands of an idle pool, too: a busy machine shows some more.`,
  idle: `Every heartbeat (5 s): the state and time of the server, the heartbeat, its cordon, whose the sweep is, when the other
    workers were heard (1 command each), and whether anything waits (1). Every 2 s notifications are tried from end to end (1), which
    is how a dead subscription is noticed in 4 s. The rest is asked every 30 s, or every minute.`,
  bytes: `The record took 1.8 KiB, being a hash that had had one value of more than 64 bytes: what only a take-over wants leaves it with
    the end, and it is written anew in 0.5 KiB. The stream with five entries takes 1 KiB, BullMQ's job 1.1, request and result 0.3,
    entries of sorted sets the rest.`,
};
const RUNS = Number(process.argv[2] ?? 60);
const IDLE_S = 10;
/** A whole minute: in less, what is done once a minute would count as if it were done more often. */
const MINUTE_S = 60;
/** After this (ms) a worker has cleared up what it kept of ended runs for a while. */
const KEPT_MS = 12_000;
const DEFAULTS = { AGENTPOOL_HEARTBEAT_MS: '5000', AGENTPOOL_LOCK_MS: '60000' };
const world = await makeWorld({ workers: [0], env: DEFAULTS });
const redis = connectTo(world);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let asked = 0;
/** How often Redis has executed each command so far, without our own questions. */
async function executed() {
  const text = await redis.info('commandstats');
  const counts = [...text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]);
  const own = asked;
  asked += 1;
  return new Map(counts.map(([name, calls]) => [name, name === 'info' ? calls - own : calls]));
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
async function memory() {
  asked += 1;
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}

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
const both = await during(() => pause(IDLE_S * 1_000));
await world.mcp.end();
await pause(1_000);
const workers = await during(() => pause(MINUTE_S * 1_000));
process.stdout.write(`of an idle minute: ${shown(workers, 1)}\n`);
redis.disconnect();
await world.end({ keep: false });

row({
  figure: 'Redis commands of one short run, submitted and waited for',
  ours: `${(own.total / RUNS).toFixed(0)}`,
  limit: `BullMQ: ${(limit.total / RUNS).toFixed(0)}`,
  ratio: own.total / limit.total,
  value: own.total / RUNS,
  goal: '<= 90',
  notes: NOTES.run,
});
row({
  figure: 'Redis commands a second of an idle worker, which sweeps for the pool',
  ours: `${(workers.total / MINUTE_S).toFixed(1)} (${(both.total / IDLE_S).toFixed(1)} with an idle MCP server)`,
  limit: `a bare BullMQ worker: ${(idle - both.total / IDLE_S).toFixed(1)}`,
  value: workers.total / MINUTE_S,
  goal: '<= 2',
  notes: NOTES.idle,
});
row({
  figure: 'Redis bytes that stay of an ended short run',
  ours: `${(bytes / 1_024).toFixed(1)} KiB`,
  value: bytes / 1_024,
  goal: '<= 4',
  notes: NOTES.bytes,
});
