import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import { openLogger } from '../../../../src/shared/logger.js';
import type { Pool } from '../../../../src/shared/pool.js';
import { runnerQueue } from '../../../../src/shared/queues/route.js';
import type { Ownership } from '../../../../src/shared/run-store/ownership.js';
import type { Runner } from '../../../../src/shared/runners/runner.js';
import { NO_FIGURES } from '../../../../src/worker/figures.js';
import { type Following, startFollowing } from '../../../../src/worker/process/descendants.js';
import { endTree } from '../../../../src/worker/process/end-tree.js';
import { bootId, isAlive, uptimeMs } from '../../../../src/worker/process/processes.js';
import { type Supervised, type Supervision, supervise } from '../../../../src/worker/run/supervise.js';
import { type Launched, launch } from '../../../../src/worker/spool/launch.js';
import { createSpool, type Spool } from '../../../../src/worker/spool/spool.js';
import { factsOf, type SpoolMeta } from '../../../../src/worker/spool/spool-meta.js';
import { connect, makePlace, type Place } from '../../../support/pool.js';
import { eventually } from '../../../support/processes.js';

const logger = openLogger('test', 'silent');
const HOST = 'here';
/** A shell whose output has its session and its result in JSON. */
const runner = {
  name: 'shell',
  title: 'Shell',
  command: 'sh',
  install: '',
  args: () => [],
  output: {
    format: 'json-lines',
    terminal: true,
    read: (message) => message as Record<string, never>,
  },
} as Runner;

let place: Place;
let pool: Pool;
let following: Following;
let watched: Supervision[];
let started: Started[];

beforeEach(async () => {
  place = makePlace();
  pool = await connect(place);
  following = startFollowing();
  watched = [];
  started = [];
});
afterEach(async () => {
  for (const one of watched) one.detach();
  for (const { own } of started) await endTree({ runId: own.id, signal: 'KILL', graceMs: 0 });
  await following.stop();
  await pool.stop();
  place.clean();
});

interface Started {
  readonly own: Ownership;
  readonly spool: Spool;
  readonly meta: SpoolMeta;
  readonly launched: Launched;
}

/** A claimed run and its program, a shell script, which nobody watches yet. */
async function start(script: string, limits: Partial<SpoolMeta> = {}): Promise<Started> {
  const id = newRunId();
  const queue = runnerQueue('shell');
  await pool.runs.create(id, queue, { runner: 'shell', agentName: 'a', prompt: script, principal: 'local' });
  const { epoch } = await pool.runs.claim(id, 'worker-1', HOST);
  const root = join(place.home, 'spool');
  mkdirSync(root, { recursive: true });
  const begun = { bootId: bootId(), startedUptimeMs: uptimeMs(), timeoutMs: 60_000, silenceTimeoutMs: 0 };
  const meta = {
    runId: id,
    runner: 'shell',
    queue,
    leaseToken: '',
    path: place.work,
    ...begun,
    ...limits,
  } as SpoolMeta;
  const spool = createSpool(root, meta, { stdin: '' });
  const own = { id, epoch };
  await pool.runs.launching(own, 1, factsOf(meta));
  const env = { PATH: process.env.PATH ?? '' };
  const launched = await launch({ spool, runId: id, program: '/bin/sh', args: ['-c', script], path: place.work, env });
  const wrapper = launched.wrapper;
  const run = { own, spool, launched, meta: { ...meta, ...(wrapper && { wrapper }) } };
  started.push(run);
  return run;
}

/** Watches over it, as the worker that started it or, without what the kernel told that one, as a later one. */
async function watch({ own, spool, meta, launched }: Started, isOurs = true, given: Partial<Supervised> = {}) {
  const record = await pool.runs.get(own.id);
  const supervision = supervise({
    figures: NO_FIGURES,
    runs: pool.runs,
    runner,
    own: { confirmedAt: Number.NEGATIVE_INFINITY, ...own },
    spool,
    meta,
    from: record ?? { outBytes: 0, errBytes: 0 },
    ...(isOurs && { wrapperGone: launched.wrapperGone, program: launched.program }),
    following,
    keepLeftovers: false,
    afterResultGraceMs: 60_000,
    mostOutputKept: 1024 * 1024,
    lostOutput: () => false,
    rememberSession: async () => {},
    tellAgain: async () => {},
    logger,
    ...given,
  });
  watched.push(supervision);
  return supervision;
}

const get = async ({ own }: Started) => {
  const run = await pool.runs.get(own.id);
  if (!run) throw new Error('the run is not there');
  return run;
};
const outputOf = async ({ own }: Started) =>
  (await pool.runs.output(own.id, { from: { entry: '-', out: 0, err: 0 }, maxBytes: 1024 * 1024 })).bytes.toString();
const printed = (run: Started, bytes: number) =>
  eventually(
    () => get(run),
    ({ outBytes }) => outBytes >= bytes,
  );
const livesOn = ({ launched }: Started) => launched.wrapper !== undefined && isAlive(launched.wrapper);

test('a program that ends is recorded with its exit code, its result and every byte', async () => {
  const run = await start(`echo '{"sessionId":"s1"}'; echo words >&2; echo '{"result":"r","ended":true}'`);
  const supervision = await watch(run);
  expect(await supervision.over).toMatchObject({ kind: 'ended' });
  expect(await get(run)).toMatchObject({ state: 'done', exitCode: 0, sessionId: 's1' });
  expect(await pool.runs.result(run.own.id)).toBe('r');
  expect((await outputOf(run)).split('\n').sort()).toEqual(
    ['', 'words', '{"result":"r","ended":true}', '{"sessionId":"s1"}'].sort(),
  );
});

test('a program that fails is failed with its code, and one without its last event is no success', async () => {
  const failing = await start('exit 3');
  await (await watch(failing)).over;
  expect(await get(failing)).toMatchObject({ state: 'failed', exitCode: 3 });
  const broken = await start('echo half');
  await (await watch(broken)).over;
  expect(await get(broken)).toMatchObject({ state: 'failed', exitCode: 0 });
});

test('a kill that is recorded ends the program and all that it started', async () => {
  const run = await start('sleep 600 & setsid sleep 600 & echo ready; wait');
  const supervision = await watch(run);
  await printed(run, 6);
  await pool.runs.requestKill(run.own.id, { signal: 'TERM', graceMs: 2_000 });
  await supervision.reconcile();
  await supervision.over;
  expect(await get(run)).toMatchObject({ state: 'killed' });
  expect(livesOn(run)).toBe(false);
});

test('a limit of time ends the program', async () => {
  const run = await start('echo ready; sleep 600', { timeoutMs: 300 });
  await (await watch(run)).over;
  expect(await get(run)).toMatchObject({ state: 'timed_out' });
});

test('a program that its worker leaves alone goes on, and the next one has every byte of it once', async () => {
  const run = await start(`echo 1; until [ -e left ]; do sleep 0.05; done; echo 2; echo '{"ended":true}'`);
  const first = await watch(run);
  await printed(run, 2);
  first.detach();
  expect(await first.over).toEqual({ kind: 'left' });
  expect(livesOn(run)).toBe(true);
  const second = await watch(run, false);
  writeFileSync(join(place.work, 'left'), '');
  await second.over;
  expect(await outputOf(run)).toBe('1\n2\n{"ended":true}\n');
  expect(await get(run)).toMatchObject({ state: 'done', exitCode: 0 });
});

test('a worker whose run was taken over lets go of it, and its program lives', async () => {
  const run = await start('echo ready; sleep 600');
  const supervision = await watch(run);
  await printed(run, 6);
  await pool.runs.takeOver(await get(run), 'worker-2', HOST);
  appendFileSync(run.spool.stdout, 'more\n'); // refused by its old number
  expect(await supervision.over).toEqual({ kind: 'left' });
  expect(livesOn(run)).toBe(true);
  expect(await get(run)).toMatchObject({ state: 'running', worker: 'worker-2', outBytes: 6 });
});

test('a program that lives on after its result is ended, and its run is done', async () => {
  const run = await start(`echo '{"result":"r","ended":true}'; sleep 600`);
  await (await watch(run, true, { afterResultGraceMs: 200 })).over;
  expect(await get(run)).toMatchObject({ state: 'done' });
  expect(await pool.runs.result(run.own.id)).toBe('r');
});
