import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { bornSince, type PidsGiven, pidsGiven, pidsSince } from '../../../../src/worker/process/born-since.js';
import { eventually } from '../../../support/processes.js';

const onLinux = test.runIf(process.platform === 'linux');
const toEnd: number[] = [];
afterEach(() => {
  for (const pid of toEnd.splice(0)) process.kill(pid, 'SIGKILL');
});

const before: PidsGiven = { last: 990, ever: 5_000, end: 32_768 };

test('the pids since a process are those from its own to the last one that was given', () => {
  expect(pidsSince(1_000, before, { ...before, last: 1_003, ever: 5_020 })).toEqual([1_000, 1_001, 1_002, 1_003]);
  expect(pidsSince(1_000, before, { ...before, last: 1_000, ever: 5_010 })).toEqual([1_000]);
});

test.each<[string, number, Partial<PidsGiven>]>([
  ['the pids have begun from the start again', 32_700, { last: 310, ever: 5_100 }],
  ['so many were given that they may have come round', 1_000, { last: 1_003, ever: 5_000 + 32_768 / 4 }],
  ['there are too many to look at each', 1_000, { last: 1_300, ever: 5_400 }],
  ['the end of the pids was moved', 1_000, { last: 1_003, ever: 5_020, end: 400 }],
])('all processes are looked at when %s', (_, first, now) => {
  expect(pidsSince(first, before, { ...before, ...now })).toBeUndefined();
});

onLinux('a process that has left its parent, session and group is among those since the first', async () => {
  const given = pidsGiven();
  const first = spawn('/bin/sh', ['-c', 'setsid sleep 100 & echo $!'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [pid] = (await once(first.stdout, 'data')).map(Number);
  await once(first, 'exit');
  toEnd.push(pid as number);
  await eventually(() => {
    const found = bornSince(first.pid as number, given);
    // Somebody else's processes may have brought the pids to their end just now.
    return found === undefined || found.some((one) => one.pid === pid && one.session === pid);
  });
  expect(bornSince(first.pid as number, given)?.map((one) => one.pid) ?? [pid]).toContain(pid);
});

onLinux('further threads of a process are not taken for processes', async () => {
  const given = pidsGiven();
  const many = spawn(process.execPath, ['-e', 'console.log(1); setTimeout(() => {}, 100_000)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(many.stdout, 'data');
  toEnd.push(many.pid as number);
  const found = bornSince(many.pid as number, given)?.filter(({ parent }) => parent === process.pid) ?? [];
  expect(found.map(({ pid }) => pid).filter((pid) => pid > (many.pid as number))).toEqual([]);
});
