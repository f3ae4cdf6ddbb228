import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { LivingWorker } from '../../../../src/shared/workers/workers.js';
import { identify, type ProcessId } from '../../../../src/worker/process/processes.js';
import { lostBecause, sightOf } from '../../../../src/worker/recover/sight.js';
import { isDead } from '../../../../src/worker/recover/take-over.js';
import { eventually } from '../../../support/processes.js';

const us = identify(process.pid) as ProcessId;

const worker = (given: Partial<LivingWorker>): LivingWorker => ({
  id: 'a-1',
  host: 'a',
  pid: us.pid,
  processStart: us.start,
  version: '0',
  startedAt: 0,
  runners: [],
  capacity: 1,
  running: 0,
  allowedPaths: [],
  phase: 'ready',
  lastHeartbeatAt: 0,
  alive: true,
  ...given,
});

test.each<[string, Partial<LivingWorker>, string, boolean]>([
  ['beats on this host and has its process', {}, 'a', false],
  ['beats on this host and is stopping', { phase: 'stopping' }, 'a', false],
  ['beats on another host', {}, 'b', false],
  ['beats on another host, where its pid is nobody here', { pid: 2 ** 22 + 1 }, 'b', false],
  ['is silent', { alive: false }, 'a', true],
  ['is silent on another host', { alive: false }, 'b', true],
  ['has left', { phase: 'left' }, 'a', true],
  ['has left another host', { phase: 'left' }, 'b', true],
  ['had a process on this host that is nobody now', { pid: 2 ** 22 + 1 }, 'a', true],
  ['had a process on this host whose pid a stranger has now', { processStart: '1' }, 'a', true],
  ['never said who it was', { processStart: '' }, 'a', true],
])('a worker that %s: %j, seen from host %s, is dead: %s', (_what, given, host, dead) => {
  expect(isDead(worker(given), host)).toBe(dead);
});

test('a worker that nobody knows is dead', () => {
  expect(isDead(undefined, 'a')).toBe(true);
});

test('a worker of this host is dead as soon as its process is, whatever its last heartbeat said', async () => {
  const child: ChildProcess = spawn('sleep', ['600'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const { pid, start } = await eventually(() => identify(child.pid ?? 0) as ProcessId);
  expect(isDead(worker({ pid, processStart: start }), 'a')).toBe(false);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  expect(isDead(worker({ pid, processStart: start }), 'a')).toBe(true);
});

const NOTHING = { begun: false, lives: false, untouched: false };
const because = { kind: 'auth', message: '' } as const;
const attempt = (number: number) => ({ attempt: { number, from: { out: 0, err: 0 }, startedUptimeMs: 0, because } });
const credentials = (number: number) => ({ credentials: { attempt: number, of: 3, variables: [] } });

test.each([
  ['was claimed only', {}, false, undefined, false],
  ['has a spool that has not begun', {}, false, {}, false],
  ['has begun', { launched: 1 }, true, {}, false],
  ['has begun, of an earlier release', { pid: 7 }, true, {}, false],
  ['was launched, and its spool is gone', { launched: 1 }, false, undefined, true],
  ['was launched, and says it has not begun', { launched: 1 }, false, {}, true],
  ['has a pid, of an earlier release, and says it has not begun', { pid: 7 }, false, {}, true],
  ['has begun and lost its meta', { launched: 1 }, true, undefined, true],
  ['makes an attempt up', { launched: 1 }, false, attempt(2), true],
  ['makes one up although there may be several', { launched: 1, ...credentials(1) }, false, attempt(2), true],
  ['is about to make its second attempt', { launched: 1, ...credentials(2) }, false, attempt(2), false],
  ['has launched its second attempt and says it has not', { launched: 2, ...credentials(2) }, false, attempt(2), true],
  ['goes back to its first attempt', { launched: 2, ...credentials(2) }, false, {}, true],
])('a run that %s: %j, begun: %s, meta: %j, is lost: %s', (_what, run, begun, meta, lost) => {
  expect(lostBecause(run, meta, { ...NOTHING, begun }) !== undefined).toBe(lost);
});

test.each([
  ['its first attempt', { launched: 1 }, {}, false],
  ['its first attempt, whose program was seen', { launched: 1, pid: 7 }, {}, true],
  ['a further attempt', { launched: 2, ...credentials(2) }, attempt(2), false],
  ['a further attempt, whose program was seen', { launched: 2, pid: 7, ...credentials(2) }, attempt(2), true],
])(
  'a run that was about to make %s in a spool that nobody has touched: %j, meta: %j, is lost: %s',
  (_what, run, meta, lost) => {
    expect(lostBecause(run, meta, { ...NOTHING, untouched: true }) !== undefined).toBe(lost);
  },
);

test('a run whose claim is all that is known of it, but that has processes, is lost', () => {
  expect(lostBecause({}, undefined, { ...NOTHING, lives: true })).toBeDefined();
});

/** A look whose answers follow one another; the last one stays. */
const seeing =
  (...answers: boolean[]) =>
  () =>
    (answers.length > 1 ? answers.shift() : answers[0]) ?? false;

test.each([
  ['starts a wrapper after the look', [false], [false, true], [true, false], { begun: false }],
  ['starts one that begins at once', [false, true], [false], [true], { begun: true }],
  ['has started one that begins a moment later', [false, false, false, true], [true], [true], { begun: true }],
])('a run whose paused worker goes on and %s is not lost', async (_what, begins, lives, untouched, expected) => {
  const seen = await sightOf({
    begun: seeing(...begins),
    lives: seeing(...lives),
    untouched: seeing(...untouched),
  });
  expect(seen).toMatchObject(expected);
  expect(lostBecause({ launched: 1 }, {}, seen)).toBeUndefined();
});
