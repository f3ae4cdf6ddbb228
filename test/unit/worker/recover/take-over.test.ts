import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { LivingWorker } from '../../../../src/shared/workers.js';
import { identify, type ProcessId } from '../../../../src/worker/process/processes.js';
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
