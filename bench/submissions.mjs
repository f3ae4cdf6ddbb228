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
  notes: `All submissions of one moment share their messages to Redis and one wait for the append-only file. The processors are the
    limit: 0.35 ms of the MCP server's only thread for a call, 0.15 ms of Redis. No part of it stands out in a profile any more: JSON and its
    checks by SDK and schema a fifth, what is sent to Redis and read from it a third, memory a sixth, our own decisions a tenth.
    Redis writes a record, a request, an event, six index entries, a job and its turn for each, where the peer writes one job. It
    was 0.62 and 0.32 ms when the place in the queue was asked for twice, each time by counting through it, when each call looked
    for directories and wrote its answer by itself, and when the record was read whole to see that it is there. Before that, 3 ms
    with 1,000 runs queued, since each call counted them.`,
});
