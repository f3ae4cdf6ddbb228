import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { RUN_MARK } from '../../../../src/shared/config/load.js';
import { limitMark } from '../../../../src/worker/process/limit-mark.js';
import {
  allProcesses,
  bootId,
  identify,
  isAlive,
  markedAmong,
  type ProcessId,
  parseStat,
  processesAmong,
  processesOf,
  signalProcess,
  uptimeMs,
} from '../../../../src/worker/process/processes.js';
import { eventually } from '../../../support/processes.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const children: ChildProcess[] = [];
const directory = mkdtempSync(join(tmpdir(), 'ap-processes-'));
afterEach(async () => {
  for (const child of children.splice(0)) {
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await gone;
  }
});
afterAll(() => removeDirectory(directory));

/** A child that sleeps until it is ended, once it is what it was to become. */
async function sleeping(
  command = 'sleep',
  env: Record<string, string> = {},
  detached = false,
  args = ['600'],
): Promise<ProcessId> {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, detached, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return eventually(() => identify(child.pid ?? 0) as ProcessId);
}

describe('a line of /proc/<pid>/stat', () => {
  const line = (name: string, state = 'S') =>
    `4711 (${name}) ${state} 1 4700 4700 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1000 1 18446744073709551615\n`;

  test.each(['node', '', 'a b', 'a) S 1 2', '((', '))', ') Z 9 9 9 (', 'naïve\n', '4712 (x) Z'])(
    'with the name %j is read after the last parenthesis',
    (name) => {
      expect(parseStat(line(name))).toEqual({
        pid: 4711,
        start: '987654',
        parent: 1,
        group: 4700,
        session: 4700,
        dead: false,
      });
    },
  );

  test.each([
    ['R', false],
    ['S', false],
    ['D', false],
    ['T', false],
    ['t', false],
    ['I', false],
    ['Z', true],
    ['X', true],
  ])('in the state %s is dead: %s', (state, dead) => {
    expect(parseStat(line('node', state))?.dead).toBe(dead);
  });

  test.each(['', 'rubbish', '4711 (node)', '4711 (node) ', '4711 (node) S 1 2 3', '(', ')'])(
    'that is none, %j, is nobody',
    (stat) => {
      expect(parseStat(stat)).toBeUndefined();
    },
  );
});

describe('a process', () => {
  test('is who it is, for as long as it lives', async () => {
    const id = await sleeping();
    expect(id.pid).toBe(children[0]?.pid);
    expect(isAlive(id)).toBe(true);
    expect(identify(id.pid)).toEqual(id);
    children[0]?.kill('SIGKILL');
    expect(await eventually(() => !isAlive(id))).toBe(true);
    await eventually(() => identify(id.pid) === undefined);
  });

  test('is ourselves, too', () => {
    const us = identify(process.pid);
    expect(us?.pid).toBe(process.pid);
    expect(us && isAlive(us)).toBe(true);
  });

  test('with the pid of another is not taken for it, and gets none of its signals', async () => {
    const id = await sleeping();
    const stranger = { pid: id.pid, start: `${id.start}0` };
    expect(isAlive(stranger)).toBe(false);
    expect(signalProcess(stranger, 'SIGKILL')).toBe(false);
    expect(isAlive(id)).toBe(true);
  });

  test('gets the signal that it is sent', async () => {
    const id = await sleeping();
    const [child] = children;
    const exit = once(child as ChildProcess, 'exit');
    expect(signalProcess(id, 'SIGTERM')).toBe(true);
    expect(await exit).toEqual([null, 'SIGTERM']);
    expect(signalProcess(id, 'SIGTERM')).toBe(false);
  });

  test('whose program has parentheses and spaces in its name is who it is', async () => {
    const program = join(directory, ') Z 1 (x y');
    copyFileSync('/bin/sleep', program);
    const id = await sleeping(program, { [RUN_MARK]: 'r-odd' });
    expect(isAlive(id)).toBe(true);
    expect(processesOf('r-odd')).toEqual([id]);
  });

  test('that is a zombie does not live, although a signal can still be sent to its pid', async () => {
    // The second shell knows nothing of the child of the first, so nobody asks how it ended.
    const script = "cat <&3 & echo $!; exec sh -c 'echo ready; exec sleep 600'";
    const parent = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] });
    children.push(parent);
    let said = '';
    parent.stdout?.on('data', (bytes) => {
      said += bytes;
    });
    await eventually(() => said.includes('ready'));
    const id = identify(Number.parseInt(said, 10)) as ProcessId;
    expect(isAlive(id)).toBe(true);
    (parent.stdio[3] as Writable).end();
    await eventually(() => !isAlive(id));
    expect(process.kill(id.pid, 0)).toBe(true);
    expect(identify(id.pid)).toBeUndefined();
    expect(signalProcess(id, 'SIGTERM')).toBe(false);
  });

  test.each([0, -1, 2 ** 22 + 1, Number.NaN])('with the pid %d is nobody', (pid) => {
    expect(identify(pid)).toBeUndefined();
    expect(signalProcess({ pid, start: '0' }, 'SIGKILL')).toBe(false);
  });
});

describe('the processes of a run', () => {
  test('are those with exactly its mark, in whatever group they are', async () => {
    const run = `r-${process.pid}-a`;
    const near = await sleeping('sleep', { [RUN_MARK]: run });
    const far = await sleeping('sleep', { [RUN_MARK]: run }, true);
    await sleeping('sleep', { [RUN_MARK]: `${run}b` });
    await sleeping('sleep', { [`X${RUN_MARK}`]: run });
    await sleeping('sleep', { OTHER: `x ${RUN_MARK}=${run}` });
    const byPid = (a: ProcessId, b: ProcessId) => a.pid - b.pid;
    expect(processesOf(run).sort(byPid)).toEqual([near, far].sort(byPid));
  });

  test('are looked for of many runs at once', async () => {
    const runs = ['a', 'b', 'c'].map((end) => `r${process.pid}${end}`);
    const [first = '', second = ''] = runs;
    await sleeping('sleep', { OTHER: `x ${RUN_MARK}=${second}`, [RUN_MARK]: first });
    await sleeping('sleep', { [`X${RUN_MARK}`]: second });
    expect([...markedAmong(runs)]).toEqual([first]);
    const script = `ulimit -S -m ${limitMark(second)} && exec env -i sleep 600`;
    const stripped = await sleeping('/bin/sh', {}, false, ['-c', script]);
    await eventually(() => processesOf(second).length === 1);
    expect(isAlive(stripped)).toBe(true);
    expect([...markedAmong(runs)].sort()).toEqual([first, second]);
  });

  test('are found among all that were looked at, without those that are older than its first', async () => {
    const run = `r${process.pid}among`;
    const stranger = await sleeping();
    const before = await sleeping('sleep', { [RUN_MARK]: run });
    const ticks = Number(before.start) + 2;
    let first = await sleeping('sleep', { [RUN_MARK]: run }, true);
    while (Number(first.start) < ticks) first = await sleeping('sleep', { [RUN_MARK]: run }, true);
    const all = allProcesses();
    const found = (of: ProcessId | undefined, group?: number) =>
      processesAmong(all, run, group, of).map(({ pid }) => pid);
    expect(found(undefined)).toEqual(expect.arrayContaining([before.pid, first.pid]));
    expect(found(undefined)).not.toContain(stranger.pid);
    expect(found(first)).toContain(first.pid);
    expect(found(first)).not.toContain(before.pid);
    expect(processesAmong(all, 'r-nobody', first.pid, first)).toEqual([first]);
  });

  test('are also those of its group, with or without the mark', async () => {
    const leader = await sleeping('sleep', {}, true);
    expect(processesOf('r-nobody', leader.pid)).toEqual([leader]);
    expect(processesOf('r-nobody')).toEqual([]);
  });

  test('are never ourselves', () => {
    const ours = processesOf('r-nobody', process.pid).map(({ pid }) => pid);
    expect(ours).not.toContain(process.pid);
  });
});

test('the boot has a name that stays, and a clock that goes on', () => {
  expect(bootId()).toMatch(/\S/);
  expect(bootId()).toBe(bootId());
  expect(uptimeMs()).toBeGreaterThan(0);
});
