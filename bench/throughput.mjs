// Whole runs of an empty program with 20 slots, from the first submission to the last end, beside a bare BullMQ queue with
// 20 slots whose processor starts the same program.
import { makeWorld } from '../test/chaos/world.mjs';
import { bareBullMq, connectTo } from './bare-bullmq.mjs';
import { row } from './report.mjs';

const RUNS = Number(process.argv[2] ?? 400);
const SLOTS = 20;
const AT_ONCE = 32;
const PROMPT = ':'; // does nothing
const world = await makeWorld({ workers: [0], env: { AGENTPOOL_CONCURRENCY: String(SLOTS) } });
const redis = connectTo(world);

/** Calls `action` so often, some at once. */
async function all(count, action) {
  let left = count;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await action();
    }),
  );
}

const submit = async () => (await world.mcp.call('run_agent', { runner: 'shell', prompt: PROMPT })).runId;
const ended = () => redis.zcard('agentpool:runs:state:done');
async function ours(count) {
  const before = await ended();
  const begun = performance.now();
  await all(count, submit);
  while ((await ended()) - before < count) await new Promise((resolve) => setTimeout(resolve, 2));
  return (count * 1_000) / (performance.now() - begun);
}

const bare = bareBullMq(world, { concurrency: SLOTS });
await bare.ready();
async function peer(count) {
  const over = bare.ended(count);
  const begun = performance.now();
  await all(count, () => bare.add(PROMPT));
  await over;
  return (count * 1_000) / (performance.now() - begun);
}

await ours(40);
await peer(40);
const own = await ours(RUNS);
const limit = await peer(RUNS);
await bare.stop();
redis.disconnect();
await world.end({ keep: false });
row({
  figure: `whole runs of an empty program, ${RUNS} with ${SLOTS} slots`,
  ours: `${own.toFixed(0)} a second`,
  limit: `BullMQ and spawn: ${limit.toFixed(0)} a second`,
  ratio: own / limit,
  goal: '>= 0.5',
  notes: `The peer's processor forks one shell; the worker of ours makes a spool, forks a wrapper that outlives it, ships output,
    looks for processes that were left behind and removes the spool. A profile of the worker (--cpu-prof) was 24 ms of processor
    time for a run: looks at /proc by every ended run, two syncs of meta.json, and a look at every kept spool after each start. One look
    serves all runs that end in one turn and passes over what is older than the run, nothing is synced, ended spools are not
    read: 9 ms, half of which is Node's spawn. What is left besides is the MCP server and Redis, which share the cores here.`,
});
