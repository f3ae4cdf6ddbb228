// list_runs with stats and with filters beside 16,000 ended runs, and beside few.
import { loadConfig } from '../dist/shared/config/load.js';
import { openLogger } from '../dist/shared/logger.js';
import { openPool } from '../dist/shared/pool.js';
import { parseRedisUrl } from '../dist/shared/redis/target.js';
import { makeWorld } from '../test/chaos/world.mjs';
import { median, row } from './report.mjs';

const MANY = Number(process.argv[2] ?? 16_000);
const FEW = 200;
const AT_ONCE = 64;
const world = await makeWorld({ workers: [] });
const config = loadConfig({
  env: { ...world.env, AGENTPOOL_CONFIG: undefined },
  cwd: world.work,
  readFile: () => undefined,
});
const pool = await openPool(config, parseRedisUrl(world.env.REDIS_URL), 'working', openLogger('bench', 'error'));

/** Ended runs of two runners, ten agents and four hosts; one of 100 has failed. */
async function fill(from, to) {
  let next = from;
  const one = async () => {
    for (let at = next++; at < to; at = next++) {
      const id = `run${at}`;
      const runner = at % 2 ? 'claude' : 'codex';
      await pool.runs.create(id, `runs.${runner}`, { runner, agentName: `agent${at % 10}`, prompt: 'x' });
      const { epoch } = await pool.runs.claim(id, 'worker', `host${at % 4}`);
      await pool.runs.started({ id, epoch }, at, '/work');
      await pool.runs.end(id, epoch, { state: at % 100 ? 'done' : 'failed' });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}
async function timed(input) {
  const took = [];
  for (let time = 0; time < 7; time += 1) {
    const begun = performance.now();
    await world.mcp.call('list_runs', input);
    took.push(performance.now() - begun);
  }
  return median(took);
}
const questions = {
  'with stats': { stats: true },
  'by agent and host, where there are none': { agentName: 'agent0', host: 'host1' },
  'by runner and status, of which there are few': { runner: 'codex', status: 'failed' },
  'by status and host, with stats': { status: 'done', host: 'host1', stats: true },
};
const askAll = async () => {
  const answers = {};
  for (const [name, input] of Object.entries(questions)) answers[name] = await timed(input);
  return answers;
};
await fill(0, FEW);
const few = await askAll();
await fill(FEW, MANY);
const many = await askAll();
await pool.stop();
await world.end({ keep: false });
for (const name of Object.keys(questions))
  row({
    figure: `list_runs ${name}, of ${MANY} runs`,
    ours: `${many[name].toFixed(1)} ms`,
    limit: `of ${FEW} runs: ${few[name].toFixed(1)} ms`,
    ratio: many[name] / few[name],
    value: many[name],
    goal: '<= 20',
    notes: `Statistics of all runs, of a runner or a state are read from the sizes of sorted sets and from the run in their middle, at any
      number of runs. With another filter a script looks the entries of all that match up in those sets, 2,000 at a time: about
      4 microseconds of Redis for each, most of it for writing scores down, so the time grows with what matches (at 200,000 runs, of which
    50,000 match, 0.35 s; by agent and host, which share none, 0.09 s; all runs and a few of a runner, 12 and 8 ms). Redis itself needs 0.03 s to count where two such sets meet (ZINTERCARD) and more to list it (ZINTER), and on a
      cluster it cannot. To stay under 60 ms there, every run would need an outcome by each of its host, agent, principal and labels, that
      is four commands more; not built.`,
  });
