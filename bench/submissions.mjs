// Submissions that one MCP server accepts, 64 at once, beside bare `queue.add` of as many jobs at once: as often as there is
// time for, in turns, since a machine has slow and fast moments.
import { Queue } from 'bullmq';
import { makeWorld } from '../test/chaos/world.mjs';
import { connectTo } from './bare-bullmq.mjs';
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
const PROMPT = 'x'.repeat(200);

async function rate(action) {
  let left = COUNT;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await action();
    }),
  );
  return (COUNT * 1_000) / (performance.now() - begun);
}
const submit = () => world.mcp.call('run_agent', { runner: 'gemini', prompt: PROMPT });
const add = () => queue.add('bare', { prompt: PROMPT });

await rate(submit);
await rate(add);
const [own, limits] = [[], []];
for (let round = 0; round < ROUNDS; round += 1) {
  own.push(await rate(submit));
  limits.push(await rate(add));
}
await queue.close();
redis.disconnect();
await world.end({ keep: false });
row({
  figure: `submissions accepted by one MCP server, ${AT_ONCE} at once`,
  ours: `${median(own).toFixed(0)} a second`,
  limit: `queue.add: ${median(limits).toFixed(0)} a second`,
  ratio: median(own) / median(limits),
  goal: '>= 0.5',
  notes: `All submissions of one moment share their messages to Redis and one wait for the append-only file. The processor of the
    MCP server is the limit, 0.5 ms of its thread for a call: reading and checking it, its answer by a schema, and writing a record, a
    request, an event, six index entries and a job for each, where the peer writes one job. It was 3 ms with 1,000 runs queued and 20
    with 3,000: everybody who came when the count of what a principal has queued was a second old counted anew, all at once. Now
    one count serves all, and takes a twentieth of the time at most; the register and the turns of a queue are asked once
    in a turn.`,
});
