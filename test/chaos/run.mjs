// The chaos suite: npm run chaos -- --runs 200 --seed 7 --minutes 5
// A plan made from the seed submits runs and lets things die; then every run is checked against what its program wrote.
// With --scenario return, outage or upgrade: one kind of trouble in full length instead.
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { allEnded, submit } from './agents.mjs';
import { makePlan } from './plan.mjs';
import { conclude, foundRows, printTable, say, tally } from './report.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { verify } from './verify.mjs';
import { makeWorld } from './world.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '7' },
    minutes: { type: 'string', default: '5' },
    scenario: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
/** A loaded machine may be slow; what does not end at all is found all the same (ms). */
const PATIENCE_MS = 240_000;

if (values.scenario !== undefined) {
  const scenario = SCENARIOS[values.scenario];
  if (!scenario) {
    say(`there is no scenario ${values.scenario}; there are ${Object.keys(SCENARIOS).join(', ')}`);
    process.exit(2);
  }
  process.exit(await scenario(values.keep));
}

const options = { runs: Number(values.runs), seed: Number(values.seed), minutes: Number(values.minutes) };
const plan = makePlan(options);
const world = await makeWorld({ ...plan, managed: true });
const begun = performance.now();
const until = (at) => pause(Math.max(0, at - (performance.now() - begun)));
const faults = [];
say(
  `chaos: ${plan.runs.length} runs, ${plan.faults.length} faults planned, seed ${options.seed}, ${options.minutes} min, in ${world.root}`,
);

async function play(run) {
  await until(run.at);
  await submit(world, run);
  if (run.timeoutMs) faults.push('timeout');
  if (run.ending !== 'kill') return;
  await pause(run.killAfterMs);
  faults.push('kill');
  const kill = () => world.mcp.call('kill_agent', { runId: run.runId, graceMs: 500 });
  while ((await kill()).unconfirmed) await pause(500);
}

const DEEDS = {
  'worker-kill': ({ worker, forMs }) => world.workers[worker].kill(forMs),
  'worker-stop': ({ worker, forMs }) => world.workers[worker].stop(forMs),
  'worker-pause': ({ worker, forMs }) => world.workers[worker].pause(forMs),
  'redis-kill': ({ forMs }) => world.redis.killFor(forMs),
  'redis-noreplicas': ({ forMs }) => world.redis.refuseFor(forMs, 'noreplicas'),
  'redis-readonly': ({ forMs }) => world.redis.refuseFor(forMs, 'readonly'),
  'redis-full': ({ forMs }) => world.redis.refuseFor(forMs, 'full'),
  'redis-failover': ({ forMs }) => world.redis.failOver(forMs, (path) => world.proxy.redirect({ path })),
  'redis-silent': () => world.proxy.silence(),
  'redis-cut': () => world.redis.cutConnections(),
  'mcp-kill': () => world.mcp.kill(),
};

/** What is just suffering from another fault is left alone; that does not count. */
async function strike(fault) {
  await until(fault.at);
  if ((await DEEDS[fault.kind](fault)) !== false) faults.push(fault.kind);
}

await Promise.all([...plan.runs.map(play), ...plan.faults.map(strike), until(plan.length)]);
await Promise.all(world.workers.map((worker) => worker.settled()));
const seconds = ((performance.now() - begun) / 1000).toFixed(0);
say(`chaos: all submitted, faults are over after ${seconds} s; waiting for the ends`);
await allEnded(world, plan.runs, PATIENCE_MS);

say('chaos: checking every run');
const { found, problems } = await verify(world, plan.runs);
for (const { crashes } of world.workers)
  if (crashes.length > 0) problems.push(`a worker ended by itself, with exit code ${crashes.join(', ')}`);
printTable([
  ['runs', plan.runs.length],
  ...tally(plan.runs.map(({ status }) => status.status)).map(([state, many]) => [`  ${state}`, many]),
  ['faults', faults.length],
  ...tally(faults).map(([kind, many]) => [`  ${kind}`, many]),
  ...foundRows(found),
]);
process.exit(await conclude(world, problems, values.keep));
