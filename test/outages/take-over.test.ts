import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SPOOL_FORM } from '../../src/shared/stored-form.js';
import { identify, processesOf } from '../../src/worker/process/processes.js';
import { KEEP_ENDED_MS } from '../../src/worker/recover/tidy.js';
import { type Spool, spoolOf } from '../../src/worker/spool/spool.js';
import { connect, makePlace, type Place, steps } from '../support/pool.js';
import {
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';

let place: Place;
let mcp: McpSession;
let workers: Started[] = [];

beforeEach(async () => {
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here', AGENTPOOL_CONCURRENCY: '8', AGENTPOOL_HEARTBEAT_MS: '5000' });
  mcp = await openMcp(place);
});
afterEach(async () => {
  await mcp.close();
  for (const { child, end } of workers) if (child.exitCode === null && child.signalCode === null) await end('SIGKILL');
  workers = [];
  place.clean();
});

type Status = Facts & { runId: string; status: string; pid: number; worker: string };
const file = (name: string) => join(place.work, name);
const goOn = () => writeFileSync(file('go'), '');
const UNTIL_GO = { until: 'go' };
const status = (runId: string) => mcp.call<Status>('get_agent_status', { runId });
const output = async (runId: string) =>
  (await mcp.call<{ output: string }>('stream_agent_output', { runId, maxBytes: 1_048_576 })).output;
const startWorker = async () => {
  const worker = await startWorkerProcess(place);
  workers.push(worker);
  return worker;
};
const submit = async (list: Facts[], extra: Facts = {}) =>
  (await mcp.call<Status>('run_agent', { runner: 'scripted', prompt: steps(...list), ...extra })).runId;
const printed = (runId: string, text: string) =>
  eventually(
    () => output(runId),
    (seen) => seen === text,
  );
const pidOf = async (runId: string) =>
  (
    await eventually(
      () => status(runId),
      ({ pid }) => pid !== undefined,
    )
  ).pid;
const gone = (pid: number) =>
  eventually(
    () => identify(pid),
    (seen) => seen === undefined,
  );
const ended = (runId: string) =>
  eventually(
    () => status(runId),
    ({ status: state }) => ['done', 'failed', 'killed', 'timed_out'].includes(state),
    40_000,
  );

/** The spool of a run on this host, in the one pool of the place. */
function spoolIn(runId: string): Spool {
  const root = join(place.home, 'spool');
  const [pool = ''] = readdirSync(root);
  return spoolOf(join(root, pool, 'here'), runId);
}

describe('a host whose worker was killed', () => {
  it('and that gets two at once: each run is taken over by one of them, and every line arrives once', async () => {
    const first = await startWorker();
    const runs = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((at) =>
        submit([{ mark: file(`starts-${at}`) }, { lines: { count: 30 } }, UNTIL_GO, { lines: { count: 30 } }]),
      ),
    );
    const pids = await Promise.all(runs.map(pidOf));
    await first.end('SIGKILL');
    await Promise.all([startWorker(), startWorker()]);
    const owners = await Promise.all(
      runs.map((runId) =>
        eventually(
          () => status(runId),
          (seen) => seen.worker !== undefined && first.line.includes(seen.worker) === false,
        ),
      ),
    );
    expect(owners.map(({ pid }) => pid)).toEqual(pids);
    const pool = await connect(place);
    const epochs = async () => Promise.all(runs.map(async (runId) => (await pool.runs.get(runId))?.epoch));
    const taken = await epochs();
    goOn();
    await mcp.call('wait_agent', { runIds: runs });
    expect(await epochs()).toEqual(taken);
    await pool.stop();
    for (const [at, runId] of runs.entries()) {
      expect(await status(runId)).toMatchObject({ status: 'done', worker: owners[at]?.worker });
      expect((await output(runId)).length).toBe(6_000);
      expect(readFileSync(file(`starts-${at}`), 'utf8')).toBe(`${pids[at]}\n`);
    }
  });

  it('while it was ending a program for its time limit: the next one goes on with that', async () => {
    const first = await startWorker();
    const runId = await submit([{ ignore: 'SIGTERM' }, { print: 'deaf\n' }, { pause: 600_000 }], { timeoutMs: 10_000 });
    await printed(runId, 'deaf\n');
    const meta = join(spoolIn(runId).directory, 'meta.json');
    await eventually(() => JSON.parse(readFileSync(meta, 'utf8')).ending === 'time_limit');
    await first.end('SIGKILL');
    await startWorker();
    expect(await ended(runId)).toMatchObject({ status: 'timed_out', failure: { kind: 'time_limit' } });
    expect(processesOf(runId)).toEqual([]);
  });

  it('and whose program has given itself more time, another home and another name in its spool: that counts for nothing', async () => {
    const first = await startWorker();
    const runId = await submit([{ ignore: 'SIGTERM' }, { print: 'a\n' }, { pause: 600_000 }], { timeoutMs: 10_000 });
    await printed(runId, 'a\n');
    const known = await status(runId);
    const meta = join(spoolIn(runId).directory, 'meta.json');
    const forged = {
      ...JSON.parse(readFileSync(meta, 'utf8')),
      ...{ timeoutMs: 3_600_000, silenceTimeoutMs: 0, startedUptimeMs: 1e12, attempts: 9 },
      ...{ home: '/etc', path: '/etc', runner: 'shell', agentName: 'another', principal: 'admin' },
    };
    await first.end('SIGKILL');
    writeFileSync(meta, JSON.stringify(forged));
    await startWorker();
    const over = await ended(runId);
    expect(over).toMatchObject({ status: 'timed_out', failure: { kind: 'time_limit' } });
    for (const name of ['runner', 'agentName', 'principal', 'path'])
      expect([name, over[name]]).toEqual([name, known[name]]);
    expect(processesOf(runId)).toEqual([]);
  });

  it('and whose program says that its spool is of a newer release, to be left alone: it is ended, and its run is lost', async () => {
    const first = await startWorker();
    const runId = await submit([{ print: 'a\n' }, { pause: 600_000 }]);
    await printed(runId, 'a\n');
    const { pid } = await status(runId);
    await first.end('SIGKILL');
    const meta = join(spoolIn(runId).directory, 'meta.json');
    writeFileSync(meta, JSON.stringify({ ...JSON.parse(readFileSync(meta, 'utf8')), form: SPOOL_FORM + 1 }));
    await startWorker();
    expect(await ended(runId)).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    await gone(pid);
  });

  it('and whose program ended by itself, in time: a limit that has passed since does not count', async () => {
    const first = await startWorker();
    const runId = await submit([{ print: 'a\n' }, UNTIL_GO, { print: 'b\n' }], { timeoutMs: 10_000 });
    await printed(runId, 'a\n');
    const { pid, startedAt } = await status(runId);
    await first.end('SIGKILL');
    goOn();
    await gone(pid);
    await eventually(() => Date.now() > Number(startedAt) + 11_000);
    await startWorker();
    expect(await ended(runId)).toMatchObject({ status: 'done', exitCode: 0 });
    expect(await output(runId)).toBe('a\nb\n');
  });

  it('and that was started anew: what has no exit status is lost, what has one has ended with it', async () => {
    const first = await startWorker();
    const lost = await submit([{ print: 'a\n' }, { pause: 600_000 }]);
    const over = await submit([{ print: 'a\n' }, UNTIL_GO, { exit: 7 }]);
    await Promise.all([lost, over].map((runId) => printed(runId, 'a\n')));
    await first.end('SIGKILL');
    goOn();
    await gone(await pidOf(over));
    for (const { pid } of processesOf(lost)) process.kill(pid, 'SIGKILL');
    for (const runId of [lost, over]) {
      const meta = join(spoolIn(runId).directory, 'meta.json');
      writeFileSync(meta, JSON.stringify({ ...JSON.parse(readFileSync(meta, 'utf8')), bootId: 'before' }));
    }
    await startWorker();
    expect(await ended(lost)).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    expect(await ended(over)).toMatchObject({ status: 'failed', exitCode: 7, failure: { kind: 'exit' } });
  });

  it.each([
    ['the whole spool is gone', (at: Spool) => rmSync(at.directory, { recursive: true })],
    ['nothing says that it has begun', (at: Spool) => rmSync(at.once)],
    [
      'there is a second attempt that was never made',
      (at: Spool) => {
        const meta = join(at.directory, 'meta.json');
        const attempt = {
          number: 2,
          from: { out: 0, err: 0 },
          startedUptimeMs: 0,
          because: { kind: 'auth', message: '' },
        };
        writeFileSync(meta, JSON.stringify({ ...JSON.parse(readFileSync(meta, 'utf8')), attempts: 2, attempt }));
      },
    ],
  ])('and whose program has seen to it that %s: it is lost, and never started again', async (_, tamper) => {
    const first = await startWorker();
    const runId = await submit([{ mark: file('starts') }, { print: 'a\n' }, UNTIL_GO]);
    await printed(runId, 'a\n');
    const { pid } = await status(runId);
    await first.end('SIGKILL');
    tamper(spoolIn(runId));
    goOn();
    await gone(pid);
    await startWorker();
    expect(await ended(runId)).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    expect(readFileSync(file('starts'), 'utf8')).toBe(`${pid}\n`);
  });

  it('before it had started anything: the program is started then, once', async () => {
    const runId = await submit([{ mark: file('starts') }, { print: 'a\n' }]);
    const pool = await connect(place);
    await pool.runs.claim(runId, 'here-gone', 'here');
    await pool.stop();
    await startWorker();
    expect(await ended(runId)).toMatchObject({ status: 'done' });
    expect(readFileSync(file('starts'), 'utf8').trim().split('\n')).toHaveLength(1);
  });
});

describe('a program whose wrapper was killed alone', () => {
  it('goes on; nobody knows how it ended, and all of its output is there', async () => {
    await startWorker();
    const runId = await submit([{ print: 'a\n' }, UNTIL_GO, { print: 'b\n' }]);
    await printed(runId, 'a\n');
    const { pid } = await status(runId);
    const wrapper = Number.parseInt(readFileSync(spoolIn(runId).once, 'utf8'), 10);
    process.kill(wrapper, 'SIGKILL');
    await gone(wrapper);
    const heard = (await status(runId)).status;
    expect([heard, identify(pid) !== undefined, existsSync(spoolIn(runId).directory)]).toEqual(['running', true, true]);
    goOn();
    expect(await ended(runId)).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    expect(await output(runId)).toBe('a\nb\n');
  });
});

describe('a worker that starts', () => {
  it('ends what an ended run has left behind, by its mark alone, and nothing of runs that it does not know', async () => {
    await startWorker();
    const runId = await submit([{ lines: { count: 1 } }]);
    await ended(runId);
    const marked = (mark: string) => {
      const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env: { AGENTPOOL_RUN: mark } });
      return child.pid ?? 0;
    };
    const [leftover, stranger] = [marked(runId), marked('r0foreign')];
    try {
      await eventually(() => processesOf('r0foreign').length === 1 && processesOf(runId).length === 1);
      const pool = await connect(place);
      const endedAt = (await pool.runs.get(runId))?.endedAt ?? 0;
      await eventually(async () => (await pool.runs.now()) - endedAt > KEEP_ENDED_MS);
      await pool.stop();
      await startWorker();
      await gone(leftover);
      expect(identify(stranger)).toBeDefined();
    } finally {
      process.kill(stranger, 'SIGKILL');
    }
  });
});
