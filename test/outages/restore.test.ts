import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submit } from '../../src/client/submit.js';
import type { Pool } from '../../src/shared/pool.js';
import { LOCAL } from '../../src/shared/principal.js';
import { isEnded } from '../../src/shared/run-state.js';
import { connect, makePlace, type Place, steps } from '../support/pool.js';
import { agentpool, eventually, type Started, startWorkerProcess } from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { removeDirectory } from '../support/remove-directory.js';
import { spoolOfRun } from '../support/spools.js';

const isThere = spawnSync('redis-cli', ['--version']).status === 0;
if (!isThere) console.info('skipped: there is no redis-cli to make a backup with');

let files: string;
let place: Place;
let redis: TestRedis;
let restored: TestRedis;
let worker: Started;
let pool: Pool;
/** Runs by what became of them. */
const ids = { endedBefore: '', endedSince: '', stillRuns: '', queued: '', startedSince: '' };

const file = (name: string) => join(files, name);
const starts = (name: string) =>
  existsSync(file(name)) ? readFileSync(file(name), 'utf8').trim().split('\n').length : 0;
const submitAs = async (name: keyof typeof ids, ...list: Parameters<typeof steps>) => {
  const prompt = steps({ mark: file(name) }, ...list);
  const { run } = await submit({ pool, principal: LOCAL }, { runner: 'scripted', prompt, path: place.work });
  ids[name] = run.id;
};
const runOf = async (name: keyof typeof ids) => pool.runs.get(ids[name]);
const ended = (name: keyof typeof ids) =>
  eventually(
    () => runOf(name),
    (run) => run !== undefined && isEnded(run.state),
    60_000,
  );
const outputOf = async (name: keyof typeof ids) => (await agentpool(place, ['logs', ids[name], '--raw'])).stdout;
const lines = (count: number) =>
  Array.from({ length: count }, (_, at) => `line ${String(at + 1).padStart(8, '0')} xxxxx\n`).join('');

/** As docs/operations.md says it: a snapshot over the network, all of it lost, the file put in its place, then workers. */
beforeAll(async () => {
  if (!isThere) return;
  files = mkdtempSync(join(tmpdir(), 'ap-restore-'));
  redis = await startRedis();
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here' }, redis.url);
  worker = await startWorkerProcess(place);
  pool = await connect(place);
  await submitAs('endedBefore', { print: 'kept\n' });
  await ended('endedBefore');
  await submitAs('endedSince', { until: file('go-on') });
  await submitAs(
    'stillRuns',
    { lines: { count: 50, bytes: 20 } },
    { until: file('go-on-2') },
    { lines: { count: 50, bytes: 20 } },
    { until: file('end') },
  );
  await eventually(
    async () => (await runOf('endedSince'))?.pid && ((await runOf('stillRuns'))?.outBytes ?? 0) >= 1_000,
  );
  await agentpool(place, ['cordon', 'here']);
  await submitAs('queued', { print: 'again\n' });

  const backup = file('agentpool.rdb');
  const socket = redis.url.slice('unix://'.length);
  const { status, stderr } = spawnSync('redis-cli', ['-s', socket, '--rdb', backup], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, expect.anything()]);

  await agentpool(place, ['uncordon', 'here']);
  for (const name of ['go-on', 'go-on-2']) writeFileSync(file(name), '');
  await Promise.all([ended('endedSince'), ended('queued')]);
  await submitAs('startedSince', { pause: 600_000 });
  await eventually(async () => (await runOf('stillRuns'))?.outBytes === 2_000 && (await runOf('startedSince'))?.pid);
  // What is kept of ended ones for a while, in case Redis forgets their end, has gone.
  await eventually(
    () => [ids.endedSince, ids.queued].map((runId) => spoolOfRun(place, runId)),
    (spools) => spools.every((spool) => spool === undefined),
    60_000,
  );

  await worker.end();
  await pool.stop();
  redis.kill();
  await redis.stop();
  const place2 = mkdtempSync(join(files, 'redis-'));
  copyFileSync(backup, join(place2, 'dump.rdb'));
  restored = await startRedis('--dir', place2, '--appendonly', 'no');
  const asking = new Redis(restored.url);
  await asking.config('SET', 'appendonly', 'yes');
  asking.disconnect();
  place.env.REDIS_URL = restored.url;
  pool = await connect(place);
});
afterAll(async () => {
  if (!isThere) return;
  await worker.end('SIGKILL');
  await pool.stop();
  await restored.stop();
  place.clean();
  removeDirectory(files);
});

describe.skipIf(!isThere)('after a restore of Redis from a backup', () => {
  it('what had ended before it is there with its output, before any worker is', async () => {
    expect(await runOf('endedBefore')).toMatchObject({ state: 'done' });
    expect(await outputOf('endedBefore')).toBe('kept\n');
    expect(await runOf('queued')).toMatchObject({ state: 'queued' });
    expect(await runOf('startedSince')).toBeUndefined();
  });

  it('a program that runs since before it is attached to, and what it has printed since is not lost', async () => {
    worker = await startWorkerProcess(place);
    await agentpool(place, ['uncordon', 'here']); // it was cordoned when the backup was made
    writeFileSync(file('end'), '');
    expect(await ended('stillRuns')).toMatchObject({ state: 'done', outBytes: 2_000, droppedBytes: 0 });
    expect(await outputOf('stillRuns')).toBe(lines(50) + lines(50));
    expect(starts('stillRuns')).toBe(1);
  });

  it('what ran then and has ended since is lost, and not started again', async () => {
    expect(await ended('endedSince')).toMatchObject({ state: 'failed', failure: { kind: 'lost' } });
    expect(starts('endedSince')).toBe(1);
  });

  it('what waited then and has run since runs once more, which somebody has to look at', async () => {
    expect(await ended('queued')).toMatchObject({ state: 'done' });
    expect(starts('queued')).toBe(2);
  });

  it('what was started since is not known, and its program is ended', async () => {
    const pid = Number(readFileSync(file('startedSince'), 'utf8').trim());
    await eventually(() => !isAliveProcess(pid), undefined, 60_000);
    expect(await runOf('startedSince')).toBeUndefined();
  });

  it('runs go on as ever', async () => {
    const run = await agentpool(place, ['run', 'scripted', '--raw', steps({ print: 'new\n' })]);
    expect(run).toMatchObject({ code: 0, stdout: 'new\n' });
  });
});

/** The mark is the pid of the program itself. */
function isAliveProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
