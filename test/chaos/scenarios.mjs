// One kind of trouble in its full length, with the settings that a pool has by default.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { identify } from '../../dist/worker/process/processes.js';
import { allEnded, submit } from './agents.mjs';
import { conclude, foundRows, printTable, say } from './report.mjs';
import { verify } from './verify.mjs';
import { MAIN, makeWorld } from './world.mjs';

const DEFAULTS = { AGENTPOOL_HEARTBEAT_MS: '5000', AGENTPOOL_LOCK_MS: '60000' };
const PATIENCE_MS = 240_000;

/** Runs that print ten lines a second for so long. */
const talking = (count, seconds, exitCode = 0) =>
  Array.from({ length: count }, (_, number) => ({
    number,
    ending: exitCode === 0 ? 'exit-0' : 'exit-n',
    everyMs: 100,
    count: seconds * 10,
    bytes: 100,
    exitCode,
  }));
const statusOf = (world, run) => world.mcp.call('get_agent_status', { runId: run.runId });

/** Waits for a fact; answers how long it took (ms). */
async function until(holds) {
  const begun = performance.now();
  while (!(await holds())) await pause(20);
  return performance.now() - begun;
}

async function finish(world, runs, rows, keep) {
  await allEnded(world, runs, PATIENCE_MS);
  const { found, problems } = await verify(world, runs);
  printTable([['runs', runs.length], ...rows(problems), ...foundRows(found)]);
  return conclude(world, problems, keep);
}

/** What a run's stream says of its owners: how often it was taken over, and how often it was orphaned. */
async function ownersOf(world, runs) {
  const redis = new Redis({ path: world.env.REDIS_URL.replace('unix://', '') });
  const seen = { attached: 0, orphaned: 0 };
  for (const run of runs)
    for (const [, fields] of await redis.xrange(`agentpool:run:{${run.runId}}:events`, '-', '+')) {
      if (fields[1] !== 'state') continue;
      const { state, attached } = JSON.parse(fields[3]);
      if (attached) seen.attached += 1;
      if (state === 'orphaned') seen.orphaned += 1;
    }
  redis.disconnect();
  return seen;
}

/** What this machine needs, loaded as it is, to load our code and to do nothing (ms). */
async function bareStart() {
  const begun = performance.now();
  await once(spawn(process.execPath, [MAIN, 'worker', '--help'], { stdio: 'ignore' }), 'exit');
  return performance.now() - begun;
}

/** The only worker is killed while two programs print; a new one comes 20 s later. One of them ends meanwhile. */
async function workerReturns(keep) {
  const world = await makeWorld({ workers: [0], env: DEFAULTS });
  const [stays, ends] = [...talking(1, 45, 3), { ...talking(1, 12, 5)[0], number: 1 }];
  await Promise.all([submit(world, stays), submit(world, ends)]);
  await until(async () => (await statusOf(world, stays)).outputBytes > 3_000);
  const before = await statusOf(world, stays);
  const gone = await statusOf(world, ends);
  say(`chaos: SIGKILL to the only worker; pids ${before.pid} and ${gone.pid}; the next worker comes in 20 s`);
  const replaced = world.workers[0].kill(20_000);
  await pause(10_000);
  const bare = await bareStart();
  await until(() => world.workers[0].isUp());
  const aliveBetween = identify(before.pid) !== undefined && identify(gone.pid) === undefined;
  const running = await until(async () => {
    const { status, worker } = await statusOf(world, stays);
    return status === 'running' && worker !== before.worker;
  });
  await replaced;
  const after = await statusOf(world, stays);
  return finish(
    world,
    [stays, ends],
    (problems) => {
      if (after.pid !== before.pid) problems.push(`the pid changed from ${before.pid} to ${after.pid}`);
      if (!aliveBetween) problems.push('the programs did not go on, or not end, without a worker');
      if (running - bare > 2_000) problems.push(`it took ${running} ms until the new worker had the run`);
      return [
        ['same pid', after.pid === before.pid ? 'yes' : 'no'],
        ["running again after the new worker's start (ms)", Math.round(running)],
        ['of which the bare start of a program of ours takes (ms)', Math.round(bare)],
      ];
    },
    keep,
  );
}

/** Redis is away for 90 s, longer than the lock of a job, with 20 runs going. */
async function outage(keep) {
  const world = await makeWorld({ workers: [0, 1], env: DEFAULTS });
  const runs = talking(20, 150);
  await Promise.all(runs.map((run) => submit(world, run)));
  await until(async () => (await statusOf(world, runs.at(-1))).outputBytes > 1_000);
  say('chaos: Redis stops for 90 s');
  await world.redis.killFor(90_000);
  const back = await until(async () => {
    const all = await Promise.all(runs.map((run) => statusOf(world, run)));
    return all.every(({ lastOutputAt }) => Date.now() - lastOutputAt < 2_000);
  });
  const { orphaned } = await ownersOf(world, runs);
  return finish(
    world,
    runs,
    (problems) => {
      if (orphaned > 0) problems.push(`${orphaned} times a run was taken for orphaned`);
      return [
        ['Redis away (s)', 90],
        ['until all output was there (ms)', Math.round(back)],
        ['orphaned', orphaned],
      ];
    },
    keep,
  );
}

/** Four workers on two hosts are replaced one after another, with runs coming and going. */
async function upgrade(keep) {
  const world = await makeWorld({ workers: [0, 0, 1, 1], env: DEFAULTS });
  const runs = talking(40, 15);
  const submitting = (async () => {
    for (const run of runs) {
      await submit(world, run);
      await pause(500);
    }
  })();
  for (const [at, worker] of world.workers.entries()) {
    await pause(3_000);
    say(`chaos: worker ${at + 1} of ${world.workers.length} is replaced`);
    await worker.stop(0);
  }
  await submitting;
  await allEnded(world, runs, PATIENCE_MS);
  const { attached, orphaned } = await ownersOf(world, runs);
  return finish(
    world,
    runs,
    (problems) => {
      if (orphaned > 0) problems.push(`${orphaned} times a run was taken for orphaned`);
      return [
        ['workers replaced', world.workers.length],
        ['take-overs', attached],
        ['orphaned', orphaned],
      ];
    },
    keep,
  );
}

/** By the name that `--scenario` takes; each answers the exit code. */
export const SCENARIOS = { return: workerReturns, outage, upgrade };
