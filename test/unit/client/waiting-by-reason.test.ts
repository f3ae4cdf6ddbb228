import { expect, test } from 'vitest';
import type { RunnerLimitView } from '../../../src/client/runner-limits.js';
import { queueWaitsFor } from '../../../src/client/waiting-by-reason.js';
import type { LivingWorker } from '../../../src/shared/workers/workers.js';

const worker = (more: Partial<LivingWorker> = {}) =>
  ({ host: 'h1', alive: true, phase: 'ready', labels: [], runners: [{ name: 'claude' }], ...more }) as LivingWorker;
const limit = (used: number, startsUsed = 0): RunnerLimitView => ({
  runner: 'claude',
  atOnce: { used, most: 3 },
  startsLastMinute: { used: startsUsed, most: 5 },
});
const sick = worker({ problem: { kind: 'disk', message: 'the disk is full', since: 1 } });
const cordoned = worker({ cordonedSince: 1 });

/** A queue, who is there, what is in use of a limit, and what its runs wait for. */
const CASES: [string, LivingWorker[], RunnerLimitView[], string][] = [
  ['runs.claude', [worker()], [], 'slot'],
  ['runs.claude', [worker()], [limit(2)], 'slot'],
  ['runs.claude', [worker()], [limit(3)], 'limit'],
  ['runs.claude', [worker()], [limit(0, 5)], 'limit'],
  ['runs.demo', [worker({ runners: [{ name: 'demo', program: '/d' }] })], [limit(3)], 'slot'],
  ['runs.claude', [], [], 'no_worker'],
  ['runs.claude', [worker({ alive: false })], [], 'no_worker'],
  ['runs.claude', [worker({ phase: 'stopping' })], [], 'no_worker'],
  ['runs.demo', [worker()], [], 'no_worker'],
  ['runs.claude+gpu', [worker()], [], 'no_worker'],
  ['runs.claude+gpu', [worker(), worker({ labels: ['gpu'] })], [], 'slot'],
  ['runs.claude', [sick], [], 'host'],
  ['runs.claude', [sick, worker()], [], 'slot'],
  ['runs.claude', [cordoned, sick], [], 'cordoned'],
  ['runs@h1', [worker()], [], 'slot'],
  ['runs@h2', [worker()], [], 'host'],
  ['runs@h2+gpu', [worker({ host: 'h2' })], [], 'no_worker'],
];

test.each(CASES)('what is in %s waits for what it lacks (%#)', (queue, workers, limits, reason) => {
  expect(queueWaitsFor(queue, workers, limits)).toBe(reason);
});
