// Submissions that one MCP server accepts, 64 at once, beside bare `queue.add` of as many jobs at once: as often as there is
// time for, in turns, since a machine has slow and fast moments. And what a submission takes of the two processors, which holds
// on a machine that does other things, too.
import { Queue } from 'bullmq';
import { makeWorld } from '../test/chaos/world.mjs';
import { connectTo } from './bare-bullmq.mjs';
import { startJsonLines } from './json-lines.mjs';
import { processMs } from './processor-time.mjs';
import { median, row } from './report.mjs';

const COUNT = Number(process.argv[2] ?? 1_500);
const AT_ONCE = 64;
const ROUNDS = 4;
// The runner of this pool is on no worker, so nothing but the submission is measured.
const world = await makeWorld({
  workers: [],
  env: { AGENTPOOL_MAX_QUEUE_LENGTH: '1000000', AGENTPOOL_MAX_QUEUED_RUNS: '1000000' },
});
const redis = connectTo(world);
const queue = new Queue('bare', { connection: redis });
const server = await startJsonLines(world);
const redisPid = Number(/^process_id:(\d+)/m.exec(await redis.info('server'))[1]);
const PROMPT = 'x'.repeat(200);

/** How often a second something is done, and the processor time of each time (ms). */
async function measured(action) {
  const thread = `${server.pid}/task/${server.pid}`;
  const took = () => [thread, server.pid, redisPid].map(processMs);
  const before = took();
  let left = COUNT;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await action();
    }),
  );
  const rate = (COUNT * 1_000) / (performance.now() - begun);
  const [threadMs, serverMs, redisMs] = took().map((ms, at) => (ms - before[at]) / COUNT);
  return { rate, threadMs, serverMs, redisMs };
}
const asked = ['run_agent', { runner: 'gemini', prompt: PROMPT }];
const actions = {
  submit: () => server.call(...asked),
  submitBySdk: () => world.mcp.call(...asked),
  add: () => queue.add('bare', { prompt: PROMPT }),
  ping: () => server.ping(),
};
const seen = Object.fromEntries(Object.keys(actions).map((name) => [name, []]));
for (const action of Object.values(actions)) await measured(action);
for (let round = 0; round < ROUNDS; round += 1)
  for (const [name, action] of Object.entries(actions)) seen[name].push(await measured(action));
await queue.close();
redis.disconnect();
await server.end();
await world.end({ keep: false });

const of = (name, value) => median(seen[name].map((one) => one[value]));
const rate = (name) => of(name, 'rate').toFixed(0);
row({
  figure: `submissions accepted by one MCP server, ${AT_ONCE} at once`,
  ours: `${rate('submit')} a second (${rate('submitBySdk')} with the SDK's client; a ping ${rate('ping')})`,
  limit: `queue.add: ${rate('add')} a second`,
  ratio: of('submit', 'rate') / of('add', 'rate'),
  goal: '>= 0.5',
  notes: `All submissions of one moment are one message to Redis and wait together for the append-only file; their places are asked for
    meanwhile. The 64 come in step, so the server and Redis work in turn: the time of a call is the sum of both (next row) and of
    the client. With a message for each of record, job and notification and 13 commands for each turn it was 41 commands and not 26,
    and in alternating pairs at load 12 0.42 ms of the server's thread and 0.22 of Redis instead of 0.29 and 0.13. In a profile at load 10 the collector takes two fifths of the
    thread, writing to sockets a tenth, the SDK and schemas a tenth, the rest is below a twentieth each. Nearly all time of commands
    in Redis (INFO commandstats) is that of the two scripts, the run's and BullMQ's: a quarter of it three XADD, a tenth ZADD, the rest Lua. The ratio of 0.5 is 0.1 to 0.12 ms a
    call in all, of which BullMQ's job alone takes 0.1 here, too, and a ping 0.04. Smaller batches, so that both work at
    once, took 17 % (16 at once) and 24 % (8) more of the server's thread. The heap that is kept small for
    memory's sake takes a tenth of the rate on an idle machine; at load 10, in turns, 0.39 ms of the thread and 0.75 of all threads instead of 0.26 and 0.42, since every
    collection waits for its helpers. A heap that may grow once a server is busy gave 0.34 and 0.51, but kept 97 MiB afterwards instead of 31; collecting
    without helpers (--no-parallel-scavenge) gave nothing.`,
});
row({
  figure: 'processor time of one such submission: the thread of the server, all of the server, Redis',
  ours: `${['threadMs', 'serverMs', 'redisMs'].map((value) => of('submit', value).toFixed(2)).join(', ')} ms`,
  limit: `queue.add: Redis ${of('add', 'redisMs').toFixed(2)} ms`,
});
