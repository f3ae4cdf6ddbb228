// What do thousands of waiting runs cost? How fast they are submitted, how much memory each takes in Redis, and how much
// longer than in an empty pool everything else takes beside them.
import { Redis } from 'ioredis';
import { makeWorld } from '../test/chaos/world.mjs';
import { median, row } from './report.mjs';

const RUNS = Number(process.argv[2] ?? 9_000);
const AT_ONCE = 50;
const round = (value, digits = 1) => value.toFixed(digits);

const world = await makeWorld({ workers: [0], env: { AGENTPOOL_MAX_QUEUED_RUNS: '1000000' } });
const redis = new Redis({ path: world.env.REDIS_URL.replace('unix://', '') });
const memory = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);

async function timed(action, times = 9) {
  const took = [];
  for (let time = 0; time < times; time += 1) {
    const begun = performance.now();
    await action();
    took.push(performance.now() - begun);
  }
  return median(took);
}
const questions = {
  'list_runs, newest 20': () => world.mcp.call('list_runs', {}),
  'list_runs, queued, with stats': () => world.mcp.call('list_runs', { status: 'queued', stats: true }),
  pool_status: () => world.mcp.call('pool_status', {}),
  'run_agent to the end of the run': async () => {
    const { runId } = await world.mcp.call('run_agent', { runner: 'scripted', prompt: '[]' });
    await world.mcp.call('wait_agent', { runId });
  },
};
async function askAll() {
  const answers = {};
  for (const [name, action] of Object.entries(questions)) answers[name] = await timed(action);
  return answers;
}

const empty = await askAll();
const before = await memory();
const begun = performance.now();
let left = RUNS;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    // No worker has gemini, so they wait, and nobody waits for a pid.
    while (left-- > 0) await world.mcp.call('run_agent', { runner: 'gemini', prompt: 'x'.repeat(500) });
  }),
);
const seconds = (performance.now() - begun) / 1_000;
const bytes = ((await memory()) - before) / RUNS;
const full = await askAll();

row({
  figure: `${RUNS} waiting runs of 500 bytes, submitted by ${AT_ONCE} calls at once`,
  ours: `${round(RUNS / seconds, 0)} a second, ${round(bytes / 1_024)} KiB of Redis each`,
});
for (const name of Object.keys(questions))
  row({
    figure: `${name}, beside ${RUNS} waiting runs`,
    ours: `${round(full[name])} ms`,
    limit: `beside none: ${round(empty[name])} ms`,
    ratio: full[name] / empty[name],
  });
redis.disconnect();
await world.end({ keep: false });
