import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { processesOf } from '../../src/worker/process/processes.js';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { eventually, type Facts } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_CONCURRENCY: '2' });
oneWorker(place);
const mcp = oneMcp(place);

type Status = Facts & { status: string; pid: number; exitCode?: number };
const submit = (list: Facts[], extra: Facts = {}) =>
  mcp.call<{ runId: string; pid: number; status: string }>('run_agent', {
    runner: 'scripted',
    prompt: steps(...list),
    ...extra,
  });
const status = (runId: string) => mcp.call<Status>('get_agent_status', { runId });

/** Three levels of children: one ignores TERM, one holds stdout, one has a session of its own, one lost its parent. */
const FAMILY = [
  { spawn: { command: `trap '' TERM; while :; do sleep 0.2; done` } },
  { spawn: { command: 'sleep 7777 & sh -c "sleep 7778 & wait" & wait', keepOutput: true } },
  { spawn: { command: 'setsid sleep 7779 & wait', setsid: true } },
  { spawn: { command: '(setsid sh -c "sleep 7780 & sleep 7781" >/dev/null 2>&1 &) ; exit 0', setsid: true } },
  { print: 'ready\n' },
];

describe('kill_agent', () => {
  it('ends a whole family of processes within the grace', async () => {
    const { runId } = await submit([...FAMILY, { pause: 600_000 }]);
    await eventually(
      () => processesOf(runId).length,
      (count) => count >= 11,
    );
    const killed = await mcp.call<Facts>('kill_agent', { runId, graceMs: 1_000, reason: 'a test' });
    expect(killed).toMatchObject({ killed: true, status: 'killed', wasRunning: true });
    expect(processesOf(runId)).toEqual([]);
    expect(await status(runId)).toMatchObject({ status: 'killed', exitCode: 143 });
  });

  it('ends a family whose parent has ended normally, too', async () => {
    const { runId } = await submit([...FAMILY, { exit: 0 }]);
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done', exitCode: 0 });
    expect(processesOf(runId)).toEqual([]);
  });

  it('with KILL does not wait for the grace', async () => {
    const { runId } = await submit([{ ignore: 'SIGTERM' }, { print: 'deaf\n' }, { pause: 600_000 }]);
    await eventually(
      () => status(runId),
      ({ outputBytes }) => outputBytes === 5,
    );
    const killed = await mcp.call<Facts>('kill_agent', { runId, signal: 'KILL', graceMs: 600_000 });
    expect(killed).toMatchObject({ killed: true });
    expect((await status(runId)).exitCode).toBe(137);
  });

  it('on a queued run means that it never starts', async () => {
    const started = join(place.work, 'never');
    const busy = await Promise.all([submit([{ pause: 600_000 }]), submit([{ pause: 600_000 }])]);
    const { runId, status: before } = await submit([{ mark: started }]);
    expect(before).toBe('queued');
    expect(await mcp.call<Facts>('kill_agent', { runId })).toMatchObject({
      killed: true,
      status: 'killed',
      wasRunning: false,
    });
    await Promise.all(busy.map((run) => mcp.call('kill_agent', { runId: run.runId })));
    const { runId: after } = await submit([{ print: 'after' }]);
    await mcp.call('wait_agent', { runId: after });
    expect(existsSync(started)).toBe(false);
    expect((await status(runId)).status).toBe('killed');
  });

  it('twice at once tells both the fact, and later calls as well', async () => {
    const { runId } = await submit([{ pause: 600_000 }]);
    const answers = await Promise.all([1, 2, 3].map(() => mcp.call<Facts>('kill_agent', { runId })));
    for (const answer of answers) expect(answer).toMatchObject({ killed: true, status: 'killed' });
    expect(await mcp.call<Facts>('kill_agent', { runId })).toMatchObject({ killed: true, wasRunning: false });
  });

  it('on a run that has ended says how it ended', async () => {
    const { runId } = await submit([{ print: 'x' }]);
    await mcp.call('wait_agent', { runId });
    expect(await mcp.call<Facts>('kill_agent', { runId })).toMatchObject({
      killed: false,
      status: 'done',
      wasRunning: false,
    });
  });
});

describe('limits', () => {
  it('end a run that takes too long, and one that is silent for too long', async () => {
    const long = await submit([{ lines: { count: 1_000, everyMs: 20 } }], { timeoutMs: 1_000 });
    const silent = await submit([{ print: 'hello\n' }, { pause: 60_000 }], { silenceTimeoutMs: 1_000 });
    await mcp.call('wait_agent', { runIds: [long.runId, silent.runId] });
    expect(await status(long.runId)).toMatchObject({ status: 'timed_out', failure: { kind: 'time_limit' } });
    expect(await status(silent.runId)).toMatchObject({ status: 'timed_out', failure: { kind: 'silence_limit' } });
    expect(processesOf(long.runId)).toEqual([]);
  });
});

describe('a program', () => {
  it('is started once, ends with its own code, and a foreign signal is told apart', async () => {
    const mark = join(place.work, 'started');
    const seven = await submit([{ mark }, { printError: 'it hurts\n' }, { exit: 7 }]);
    const signalled = await submit([{ signal: 'SIGSEGV' }]);
    await mcp.call('wait_agent', { runIds: [seven.runId, signalled.runId] });
    expect(await status(seven.runId)).toMatchObject({
      status: 'failed',
      exitCode: 7,
      failure: { kind: 'exit', message: 'it exited with 7: it hurts' },
    });
    expect(await status(signalled.runId)).toMatchObject({ status: 'failed', failure: { kind: 'signal' } });
    expect(readFileSync(mark, 'utf8').trim().split('\n')).toHaveLength(1);
  });

  it('gets the environment of its runner, and nothing of ours', async () => {
    const names = ['FROM_RUNNER', 'SECRET', 'REDIS_URL', 'AGENTPOOL_HOME', 'AGENTPOOL_RUN', 'PATH'];
    const { runId } = await submit([{ environment: names }]);
    const { output } = await mcp.call<{ output: string }>('wait_agent', { runId });
    expect(JSON.parse(output)).toEqual({
      FROM_RUNNER: 'literal',
      SECRET: 'only-the-worker-knows',
      AGENTPOOL_RUN: runId,
      PATH: place.env.PATH,
    });
  });
});
