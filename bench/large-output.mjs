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
/** How long each takes (ms, median of 50), in turns: what the machine does besides slows both down. */
async function timedInTurns(actions) {
  const took = actions.map(() => []);
  for (let time = 0; time < 50; time += 1)
    for (const [at, action] of actions.entries()) {
      const begun = performance.now();
      await action();
      took[at].push(performance.now() - begun);
    }
  return took.map(median);
}
const [small, large] = [await printed(1), await printed(LARGE_MB)];
const questions = {
  'a page in the middle': (runId, at) => ['stream_agent_output', { runId, sinceTimestamp: at }],
  'the tail': (runId) => ['stream_agent_output', { runId, tail: 4_096 }],
  'the status': (runId) => ['get_agent_status', { runId }],
};
for (const [name, question] of Object.entries(questions)) {
  const askOf = async (runId) => {
    const { startedAt, endedAt } = await world.mcp.call('get_agent_status', { runId });
    const asked = question(runId, Math.round((startedAt + endedAt) / 2));
    return () => world.mcp.call(...asked);
  };
  const [ours, limit] = await timedInTurns([await askOf(large), await askOf(small)]);
  row({
    figure: `${name} of a run that printed ${LARGE_MB} MB`,
    ours: `${ours.toFixed(1)} ms`,
    limit: `of 1 MB: ${limit.toFixed(1)} ms`,
    ratio: ours / limit,
    goal: '<= 1.5',
  });
}
await world.end({ keep: false });
