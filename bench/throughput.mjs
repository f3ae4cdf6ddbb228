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
    looks for processes that were left behind and removes the spool. All processor time for a run was counted by process, in turns with the
    release before: 16 ms became 12 (the worker 8.5 and 6.7, shells and program 3.0 and 2.4, the MCP server 2.3 and 1.9, Redis 1.2
    and 0.8); the peer takes 4. New files were the dearest (0.3 ms and more each on ext4 with many that were just removed): 6 instead
    of 10. The wrapper forks twice instead of three
    times and starts one shell instead of two. What is sent to Redis in one turn is one write (an eighth of all). The watch over the
    disk reads no spool of what is supervised; reports of workers are parsed when they change. Then a run took 709
    system calls of the worker and now takes 517 (beside 130 other processes): what is known of a spool that was just made is not looked for. What is left of the
    worker is to a sixth the fork (1.5 ms of processor time at 125 MiB, 0.04 ms for each MiB: Node forks with a copy of its page
    tables, and its only thread waits for the exec of the child), to a fifth new files. A new spool
    takes 0.1 to 0.2 ms, and up to 1 ms where hundreds were removed just before. A helper
    process that forks would save 1 ms, take 10 to 25 MiB, and have to pass on every end; a shell as one would be given foreign text.
    Less memory for young objects (--max-semi-space-size, --optimize-for-size) and --always-sparkplug changed nothing that could be
    told from noise.`,
});
