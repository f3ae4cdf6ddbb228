// A page, the tail and the status of a run that has printed much, beside the same of one that has printed little.
import { makeWorld } from '../test/chaos/world.mjs';
import { median, row } from './report.mjs';

const LARGE_MB = Number(process.argv[2] ?? 300);
const world = await makeWorld({
  workers: [0],
  env: { AGENTPOOL_MAX_OUTPUT_BYTES: String(2 ** 30) },
});
async function printed(megabytes) {
  const lines = { count: megabytes * 10_000, bytes: 100 };
  const { runId } = await world.mcp.call('run_agent', { runner: 'scripted', prompt: JSON.stringify([{ lines }]) });
  while ((await world.mcp.call('wait_agent', { runId })).timedOut);
  return runId;
}
async function timed(action) {
  const took = [];
  for (let time = 0; time < 25; time += 1) {
    const begun = performance.now();
    await action();
    took.push(performance.now() - begun);
  }
  return median(took);
}
const [small, large] = [await printed(1), await printed(LARGE_MB)];
const questions = {
  'a page in the middle': (runId, at) => ['stream_agent_output', { runId, sinceTimestamp: at }],
  'the tail': (runId) => ['stream_agent_output', { runId, tail: 4_096 }],
  'the status': (runId) => ['get_agent_status', { runId }],
};
for (const [name, question] of Object.entries(questions)) {
  const of = async (runId) => {
    const { startedAt, endedAt } = await world.mcp.call('get_agent_status', { runId });
    return timed(() => world.mcp.call(...question(runId, Math.round((startedAt + endedAt) / 2))));
  };
  const ours = await of(large);
  const limit = await of(small);
  row({
    figure: `${name} of a run that printed ${LARGE_MB} MB`,
    ours: `${ours.toFixed(1)} ms`,
    limit: `of 1 MB: ${limit.toFixed(1)} ms`,
    ratio: ours / limit,
    goal: '<= 1.5',
  });
}
await world.end({ keep: false });
