import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { newRunId } from '../../src/client/submit.js';
import { RUN_MARK } from '../../src/shared/config/load.js';
import type { Pool } from '../../src/shared/pool.js';
import { isEnded } from '../../src/shared/run-state.js';
import { bootId, uptimeMs } from '../../src/worker/process/processes.js';
import { createSpool, type Spool, spoolRoot } from '../../src/worker/spool/spool.js';
import { factsOf, type SpoolMeta } from '../../src/worker/spool/spool-meta.js';
import { connect, makePlace, steps } from '../support/pool.js';
import { eventually, type Started, startWorkerProcess } from '../support/processes.js';

const place = makePlace({ AGENTPOOL_HOST_NAME: 'here', AGENTPOOL_CONCURRENCY: '1' });
let pool: Pool;
let worker: Started | undefined;

beforeAll(async () => {
  pool = await connect(place, 'working');
});
afterEach(() => worker?.end('SIGKILL')); // none is there to take what the next test leaves
afterAll(async () => {
  await pool.stop();
  place.clean();
});

/** What a worker leaves that dies at the start of a program: the claim, the lease and the spool. */
async function leaveUnstarted(
  runner: string,
  prompt = 'x',
  boot = bootId(),
): Promise<{ readonly id: string; readonly epoch: number; readonly meta: SpoolMeta; readonly spool: Spool }> {
  const id = newRunId();
  const queue = `runs.${runner}`;
  const request = { runner, agentName: 'ann', prompt };
  await pool.runs.create(id, queue, request);
  await pool.queues.placeAnew(id, queue, request);
  const claimer = pool.queues.claimer(queue, 'here-gone');
  const { lease } = await claimer.take();
  expect(lease?.runId).toBe(id);
  const { epoch } = await pool.runs.claim(id, 'here-gone', 'here');
  const meta = {
    runId: id,
    runner,
    agentName: 'ann',
    queue,
    leaseToken: lease?.token ?? '',
    bootId: boot,
    path: place.work,
    home: place.work,
    timeoutMs: 60_000,
    silenceTimeoutMs: 0,
    startedUptimeMs: uptimeMs(),
  };
  const spool = createSpool(spoolRoot(place.home, await pool.runs.poolId(), 'here'), meta, { stdin: prompt });
  await claimer.stop();
  return { id, epoch, meta, spool };
}

it('a run that is taken over and whose program is gone ends with the reason, and the next one starts', async () => {
  const { id } = await leaveUnstarted('missing');
  const next = newRunId();
  const request = { runner: 'scripted', agentName: 'ann', prompt: steps({ print: 'x' }) };
  await pool.runs.create(next, 'runs.scripted', request);
  await pool.queues.placeAnew(next, 'runs.scripted', request);
  worker = await startWorkerProcess(place);

  const ended = await eventually(
    () => pool.runs.get(id),
    (run) => run !== undefined && isEnded(run.state),
  );
  expect(ended).toMatchObject({ state: 'failed', failure: { kind: 'not_installed' } });
  // One run at once: it starts only where the room was given up, and told of.
  await eventually(
    () => pool.runs.get(next),
    (run) => run?.state === 'done',
  );
  await eventually(
    () => pool.queues.counts(),
    (all) => all.every(({ active }) => active === 0) && all.some(({ failed }) => failed === 1),
  );
  // The worker tells it with its next report.
  await eventually(
    () => pool.workers.living(),
    ([living]) => living?.running === 0,
  );
});

it('a run whose wrapper was started by a worker that died, and has not gone to work yet, is attached to', async () => {
  const starts = join(place.work, 'starts');
  const { id, epoch, meta, spool } = await leaveUnstarted('scripted', steps({ mark: starts }, { print: 'again' }));
  await pool.runs.launching({ id, epoch }, 1, factsOf(meta));
  // Says what a wrapper does, but late: a machine may be that busy.
  const go = join(place.work, 'go');
  const late =
    'until [ -e "$2" ]; do sleep 0.05; done; echo $$ >"$1/once"; echo "program $$" >>"$1/once"; echo once >>"$1/stdout"; echo "exit 0" >>"$1/once"';
  const env = { ...process.env, [RUN_MARK]: id };
  const args = ['-c', late, 'agentpool', spool.directory, go];
  spawn('/bin/sh', args, { env, detached: true, stdio: 'ignore' }).unref();
  worker = await startWorkerProcess(place);
  await eventually(
    () => pool.runs.get(id),
    (run) => run !== undefined && run.epoch > epoch,
  );
  writeFileSync(go, '');
  const ended = await eventually(
    () => pool.runs.get(id),
    (run) => run !== undefined && isEnded(run.state),
  );
  expect(ended).toMatchObject({ state: 'done', exitCode: 0, outBytes: 5 });
  expect(existsSync(starts)).toBe(false);
});

it('a run whose wrapper died with its worker before it could start the program is started', async () => {
  const starts = join(place.work, 'starts-of-next');
  const { id, epoch, meta, spool } = await leaveUnstarted('scripted', steps({ mark: starts }, { print: 'once' }));
  const wrapper = spawnSync('/bin/sh', ['-c', 'echo $$ >"$1"', 'agentpool', spool.once]);
  expect(wrapper.status).toBe(0);
  await pool.runs.launching({ id, epoch }, 1, factsOf(meta));
  worker = await startWorkerProcess(place);
  const ended = await eventually(
    () => pool.runs.get(id),
    (run) => run !== undefined && isEnded(run.state),
  );
  expect(ended).toMatchObject({ state: 'done', exitCode: 0, outBytes: 4 });
  expect(readFileSync(starts, 'utf8').trim().split('\n')).toHaveLength(1);
});

it('a run that was about to be started when its machine failed is lost: the disk may have forgotten the start', async () => {
  const starts = join(place.work, 'starts-of-another-boot');
  const { id, epoch, meta } = await leaveUnstarted('scripted', steps({ mark: starts }), 'of another boot');
  await pool.runs.launching({ id, epoch }, 1, factsOf(meta));
  worker = await startWorkerProcess(place);
  const ended = await eventually(
    () => pool.runs.get(id),
    (run) => run !== undefined && isEnded(run.state),
  );
  expect(ended).toMatchObject({ state: 'failed', failure: { kind: 'lost' } });
  expect(existsSync(starts)).toBe(false);
});
