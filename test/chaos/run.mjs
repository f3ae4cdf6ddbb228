// The chaos suite: npm run chaos -- --runs 200 --seed 7 --minutes 5
// A plan made from the seed submits runs and lets things die; then every run is checked against what its program wrote.
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { makePlan } from './plan.mjs';
import { verify } from './verify.mjs';
import { makeWorld } from './world.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '7' },
    minutes: { type: 'string', default: '5' },
    keep: { type: 'boolean', default: false },
  },
});
const options = { runs: Number(values.runs), seed: Number(values.seed), minutes: Number(values.minutes) };
const plan = makePlan(options);
const world = await makeWorld(plan);
const begun = performance.now();
const until = (at) => pause(Math.max(0, at - (performance.now() - begun)));
const faults = new Map();
const say = (text) => process.stderr.write(`${text}\n`);
say(
  `chaos: ${plan.runs.length} runs, ${plan.faults.length} faults planned, seed ${options.seed}, ${options.minutes} min, in ${world.root}`,
);

function promptFor(run) {
  const { count, bytes, everyMs, ending, exitCode, endless } = run;
  const ends = {
    signal: [{ signal: 'SIGABRT' }],
    leftovers: [{ spawn: { command: 'sleep 600 & setsid sleep 601', setsid: true } }, { exit: 0 }],
    'exit-n': [{ printError: 'it was to be so\n' }, { exit: exitCode }],
  };
  const last = endless ? [{ pause: 3_600_000 }] : (ends[ending] ?? [{ exit: 0 }]);
  return JSON.stringify([{ mark: run.starts }, { lines: { count, bytes, everyMs, log: run.log } }, ...last]);
}

async function play(run) {
  run.log = join(world.work, `${run.number}.log`);
  run.starts = join(world.work, `${run.number}.starts`);
  await until(run.at);
  const { runId } = await world.mcp.call('run_agent', {
    runner: 'scripted',
    agentName: `run-${run.number}`,
    prompt: promptFor(run),
    clientToken: `chaos-${run.number}`,
    ...(run.timeoutMs && { timeoutMs: run.timeoutMs }),
  });
  run.runId = runId;
  if (run.ending !== 'kill') return;
  await pause(run.killAfterMs);
  run.killed = true;
  count('kill');
  await world.mcp.call('kill_agent', { runId, graceMs: 500 });
}

const count = (kind) => faults.set(kind, (faults.get(kind) ?? 0) + 1);

const DEEDS = {
  'worker-kill': ({ host, forMs }) => world.workers[host].kill(forMs),
  'worker-stop': ({ host, forMs }) => world.workers[host].stop(forMs),
  'worker-pause': ({ host, forMs }) => world.workers[host].pause(forMs),
  'redis-kill': ({ forMs }) => world.redis.killFor(forMs),
  'redis-cut': () => world.redis.cutConnections(),
  'mcp-kill': () => world.mcp.kill(),
};
let redisBusy = Promise.resolve();

async function strike(fault) {
  await until(fault.at);
  if (fault.kind.startsWith('redis')) {
    redisBusy = redisBusy.then(() => DEEDS[fault.kind](fault));
    await redisBusy;
    return count(fault.kind);
  }
  if ((await DEEDS[fault.kind](fault)) !== false) count(fault.kind);
}

await Promise.all([...plan.runs.map(play), ...plan.faults.map(strike), until(plan.length)]);
await Promise.all(world.workers.map((worker) => worker.settled()));
say(
  `chaos: all submitted, faults are over after ${((performance.now() - begun) / 1000).toFixed(0)} s; waiting for the ends`,
);
const patience = performance.now() + 120_000;
for (const run of plan.runs)
  while (performance.now() < patience) {
    const { timedOut, status } = await world.mcp.call('wait_agent', { runId: run.runId, timeoutMs: 5_000 });
    if (!timedOut && status !== 'orphaned') break;
  }

say('chaos: checking every run');
const { found, problems } = await verify(world, plan.runs);
const table = new Table({ head: ['what', 'count'], style: { head: [], border: [] }, colAligns: ['left', 'right'] });
const total = [...faults.values()].reduce((sum, many) => sum + many, 0);
const states = Object.groupBy
  ? Object.entries(Object.groupBy(plan.runs, ({ status }) => status.status)).map(
      ([state, list]) => `${list.length} ${state}`,
    )
  : [];
table.push(['runs', plan.runs.length], ...states.map((state) => ['', state]));
table.push(['faults', total], ...[...faults].sort().map(([kind, many]) => [`  ${kind}`, many]));
table.push(
  ['bytes', found.bytes],
  ['lost', found.lost],
  ['doubled', found.doubled],
  ['started twice', found.startedTwice],
);
table.push(['wrong end', found.wrongEnd], ['job disagrees', found.jobDisagrees], ['left over', found.leftOver]);
process.stdout.write(`${table.toString()}\n`);
for (const problem of problems.slice(0, 40)) say(problem);
const bad = problems.length > 0;
await world.end({ keep: bad || values.keep });
if (bad) say(`chaos: ${problems.length} problems; the logs are kept in ${world.root}`);
process.exit(bad ? 1 : 0);
