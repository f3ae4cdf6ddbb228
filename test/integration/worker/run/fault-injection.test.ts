import childProcess from 'node:child_process';
import fs, { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import type { Pool } from '../../../../src/shared/pool.js';
import type { Run, RunRequest } from '../../../../src/shared/run.js';
import { isEnded } from '../../../../src/shared/run-state.js';
import { BEGINNING } from '../../../../src/shared/run-store/output.js';
import { processesOf } from '../../../../src/worker/process/processes.js';
import { type StartedWorker, startWorker } from '../../../../src/worker/start.js';
import { breakAtPoints, faultyPool, type Judge, judgedBy } from '../../../support/fault-points.js';
import { connect, makePlace } from '../../../support/pool.js';
import { eventually } from '../../../support/processes.js';

// Real files, processes and a real Redis; a call fails only where a scenario says so.
const restoring = [breakAtPoints(fs, 'EMFILE', /Sync$|^watch$/), breakAtPoints(childProcess, 'EAGAIN', /^spawn$/)];
afterAll(() => {
  for (const restore of restoring) restore();
});

/** Takes its prompt, leaves a mark for each start, and goes on until it may end. */
const PROGRAM = 'cat >/dev/null; echo start >>marks; echo one; until [ -e go ]; do sleep 0.05; done; echo two';
const PRINTED = 'one\ntwo\n';
const RUNNERS = { quick: { command: 'sh', args: ['-c', PROGRAM] } };
const REQUEST: RunRequest = { runner: 'quick', agentName: 'ann', prompt: 'the prompt' };
/** How long a fault lasts that is not for once (ms). */
const WHILE_MS = 300;
/** How often a point is passed in turn; what is polled is no point of its own each time. */
const MOST_PASSES = 2;
const AT_ONCE = 8;

type Path = 'claim' | 'take-over of a program' | 'take-over of a claim' | 'take-over of an end';
type Mode = 'once' | 'answer lost' | 'sent twice' | 'for a while';
interface Scenario {
  readonly path: Path;
  /** The point, with how often it has been passed before; undefined: nothing fails. */
  readonly point?: string;
  /** Fails before, once: what leads to the point at all. */
  readonly before?: string | undefined;
  readonly mode: Mode;
  readonly killed: boolean;
}
interface Became {
  readonly fired: boolean;
  /** Every point that was passed. */
  readonly points: ReadonlyMap<string, 'file' | 'redis'>;
  readonly states: readonly string[];
}

/** Notes the points, and lets the one of the scenario fail. */
function judgeOf({ point, before, mode }: Scenario) {
  const passes = new Map<string, number>();
  const points = new Map<string, 'file' | 'redis'>();
  let firedAt: number | undefined;
  const judge: Judge = (name, kind) => {
    const passed = (passes.get(name) ?? 0) + 1;
    passes.set(name, passed);
    if (passed <= MOST_PASSES) points.set(`${name} #${passed}`, kind);
    if (`${name} #${passed}` === before) return 'throw';
    if (firedAt === undefined && `${name} #${passed}` === point) {
      firedAt = performance.now();
      return mode === 'answer lost' ? 'lose' : mode === 'sent twice' ? 'twice' : 'throw';
    }
    const lasts = mode === 'for a while' && firedAt !== undefined && performance.now() - firedAt < WHILE_MS;
    return lasts ? 'throw' : 'pass';
  };
  return { judge, points, fired: () => firedAt !== undefined };
}

const pools = new Set<Pool>();
afterAll(async () => {
  for (const pool of pools) await pool.stop();
});

/** One run on one worker of its own, with a fault at one point; checks the invariant afterwards. */
async function play(scenario: Scenario): Promise<Became> {
  const place = makePlace({ AGENTPOOL_HOST_NAME: 'here', AGENTPOOL_RUNNERS: 'quick', AGENTPOOL_LOG_LEVEL: 'fatal' });
  writeFileSync(place.env.AGENTPOOL_CONFIG ?? '', JSON.stringify({ runners: RUNNERS }));
  const pool = await connect(place, 'working');
  pools.add(pool);
  const file = (name: string) => join(place.work, name);
  const go = () => writeFileSync(file('go'), '');
  const id = newRunId();
  const states: string[] = [];
  const { judge, points, fired } = judgeOf(scenario);
  const env = { ...place.env, HOME: place.work };
  let worker: StartedWorker | undefined;
  try {
    await pool.runs.onNotification(
      id,
      (message) => message !== 'output' && states.at(-1) !== message && states.push(message),
    );
    await pool.runs.create(id, 'runs.quick', REQUEST);
    if (scenario.path !== 'take-over of a claim') await pool.queues.placeAnew(id, 'runs.quick', REQUEST);
    if (scenario.path === 'take-over of a claim') {
      await pool.runs.claim(id, 'here-gone', 'here');
      await pool.runs.orphan({ id, epoch: (await recordOf(pool, id)).epoch });
    } else if (scenario.path !== 'claim') {
      const before = await startWorker(pool, env);
      await eventually(
        () => recordOf(pool, id),
        ({ outBytes }) => outBytes > 0,
      );
      await before.stop('detach');
      if (scenario.path === 'take-over of an end') {
        go();
        await eventually(() => processesOf(id).length === 0);
      }
    }
    if (!scenario.killed) go();
    const failing = faultyPool(pool);
    worker = await judgedBy(judge, () => startWorker(failing, env));
    if (scenario.killed) {
      // Started, or on its way back to the queue: a kill works in any case.
      if (scenario.point) await eventually(() => fired() || existsSync(file('marks')), Boolean, 20_000);
      else await eventually(() => existsSync(file('marks')));
      await kill(pool, id);
    }
    const run = await eventually(
      () => recordOf(pool, id),
      ({ state }) => isEnded(state),
      25_000,
    );
    await check(scenario, pool, run, place.work);
    return { fired: fired(), points, states };
  } catch (error) {
    throw new Error(`${nameOf(scenario)}: ${String(error)}; states: ${states.join(', ')}`);
  } finally {
    go();
    await worker?.stop('detach');
    await pool.stop();
    pools.delete(pool);
    place.clean();
  }
}

async function recordOf(pool: Pool, id: string): Promise<Run> {
  const run = await pool.runs.get(id);
  if (!run) throw new Error('the record is gone');
  return run;
}

async function kill(pool: Pool, id: string): Promise<void> {
  const { state, worker } = await pool.runs.requestKill(id, { signal: 'KILL', graceMs: 0 });
  if (state === 'queued' && (await pool.runs.end(id, undefined, { state: 'killed' })).changed)
    await pool.queues.remove(id, 'runs.quick');
  else await pool.control.wake(worker, id);
}

/** The run has ended as it should, once, and nothing of it is held any more. */
async function check({ killed }: Scenario, pool: Pool, run: Run, work: string): Promise<void> {
  const starts = existsSync(join(work, 'marks')) ? readFileSync(join(work, 'marks'), 'utf8').split('\n').length - 1 : 0;
  expect({ state: run.state, failure: run.failure }).toEqual({ state: killed ? 'killed' : 'done', failure: undefined });
  expect(starts).toBeLessThanOrEqual(1);
  if (!killed) {
    expect(starts).toBe(1);
    const { bytes } = await pool.runs.output(run.id, { from: BEGINNING, maxBytes: 1_000 });
    expect(bytes.toString()).toBe(PRINTED);
  }
  await eventually(
    () => processesOf(run.id),
    (left) => left.length === 0,
  );
  await eventually(
    async () => (await pool.workers.living()).map(({ running }) => running),
    (all) => all.every((n) => n === 0),
  );
  await eventually(
    async () => (await pool.queues.counts()).map(({ active }) => active),
    (all) => all.every((n) => n === 0),
  );
}

const nameOf = ({ path, point = 'no fault', before, mode, killed }: Scenario) =>
  `${path} | ${before ? `${before}, then ` : ''}${point} | ${mode}${killed ? ', then a kill' : ''}`;

/** Plays a path without faults, then with one at every point that was passed, and at those that only come up then. */
async function playAll(path: Path): Promise<string[]> {
  const known = new Set<string>();
  const waiting: Scenario[] = [];
  const table: string[] = [];
  const discover = (points: Became['points'], before?: string) => {
    for (const [point, kind] of points) {
      if (known.has(point) || (kind === 'redis' && point.endsWith('#2'))) continue;
      known.add(point);
      waiting.push({ path, point, before, mode: 'once', killed: false });
      if (point.endsWith('#1'))
        waiting.push({ path, point, before, mode: 'for a while', killed: path !== 'take-over of an end' });
      if (kind !== 'redis' || point.startsWith('queue.take')) continue;
      waiting.push({ path, point, before, mode: 'answer lost', killed: false });
      if (!before) waiting.push({ path, point, mode: 'sent twice', killed: false });
    }
  };
  discover((await play({ path, mode: 'once', killed: false })).points);
  if (path !== 'take-over of an end') discover((await play({ path, mode: 'once', killed: true })).points);
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      try {
        const became = await play(next);
        table.push(`${nameOf(next)} | ${became.fired ? became.states.join(' → ') : 'not reached'}`);
        // What only comes up after a fault is tried after that fault; one deep.
        if (next.mode === 'once' && !next.before) discover(became.points, next.point);
      } catch (error) {
        table.push(`WRONG ${String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return table.sort();
}

test.each<Path>(['claim', 'take-over of a program', 'take-over of a claim', 'take-over of an end'])(
  'a %s that fails at any point leaves its run supervised, ended or queued again, and nothing held',
  async (path) => {
    const begun = performance.now();
    const table = await playAll(path);
    const reached = table.filter((row) => !row.endsWith('not reached'));
    console.info(
      `${table.join('\n')}\n${path}: ${reached.length} faults in ${Math.round((performance.now() - begun) / 1000)} s`,
    );
    expect(table.filter((row) => row.startsWith('WRONG'))).toEqual([]);
    expect(reached.length).toBeGreaterThan(20);
  },
  600_000,
);
