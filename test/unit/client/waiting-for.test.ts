import { describe, expect, test } from 'vitest';
import { isStuck, type WaitFacts, waitingForOf } from '../../../src/client/waiting-for.js';
import type { Run } from '../../../src/shared/run.js';
import type { LivingWorker } from '../../../src/shared/workers/workers.js';

const run = (more: Partial<Run> = {}) =>
  ({ id: 'r1', principal: 'p', runner: 'claude', state: 'queued', queue: 'runs.claude', ...more }) as Run;
const worker = (more: Partial<LivingWorker> = {}) =>
  ({
    id: 'w1',
    host: 'h1',
    alive: true,
    phase: 'ready',
    capacity: 2,
    running: 2,
    runners: [{ name: 'claude', program: '/c' }],
    lastHeartbeatAt: 1_000,
    ...more,
  }) as LivingWorker;
const sick = worker({ problem: { kind: 'disk', message: 'the disk is full', since: 1 } });
const without = worker({ runners: [{ name: 'demo', program: '/d' }] });
const onHost = { queue: 'runs@h1' };

/** What there is, and the kind, the message and the hint of what it waits for. */
const CASES: [string, Partial<Run>, Partial<WaitFacts>, string, RegExp, RegExp][] = [
  ['nobody at all', {}, {}, 'no_worker', /^No worker is running$/, /agentpool worker/],
  ['a worker that is gone', {}, { workers: [worker({ alive: false })] }, 'no_worker', /^No worker/, /agentpool worker/],
  ['a worker that stops', {}, { workers: [worker({ phase: 'stopping' })] }, 'no_worker', /^No worker/, /./],
  [
    'a worker without the program',
    {},
    { workers: [without], install: 'npm i -g x' },
    'no_worker',
    /has claude$/,
    /npm i -g x$/,
  ],
  [
    'its host without the program',
    onHost,
    { workers: [without, worker({ host: 'h2' })] },
    'no_worker',
    /on host h1$/,
    /./,
  ],
  [
    'a label that nobody has',
    { requires: ['gpuu', 'os=linux'] },
    { workers: [worker({ labels: ['os=linux', 'gpu'] })] },
    'no_worker',
    /^No living worker with claude has what the run requires: gpuu$/,
    /^Start a worker with AGENTPOOL_WORKER_LABELS=gpuu\. .*: gpu, os=linux\. Did you mean gpu\?$/,
  ],
  [
    'two labels that no worker has together',
    { requires: ['gpu', 'repo=web'] },
    { workers: [worker({ labels: ['gpu'] }), worker({ id: 'w2', host: 'h2', labels: ['repo=web'] })] },
    'no_worker',
    /has all that the run requires together: gpu, repo=web$/,
    /AGENTPOOL_WORKER_LABELS=gpu,repo=web/,
  ],
  [
    'its host without the label',
    { queue: 'runs@h1+gpu', requires: ['gpu'] },
    { workers: [worker(), worker({ host: 'h2', labels: ['gpu'] })] },
    'no_worker',
    /^No living worker with claude on host h1 has what the run requires: gpu$/,
    /^Start a worker with/,
  ],
  [
    'another system',
    { requires: ['os=darwin'] },
    { workers: [worker({ labels: ['os=linux'] })] },
    'no_worker',
    /requires: os=darwin$/,
    /^Start a worker on such a machine\./,
  ],
  [
    'a worker with the label that is cordoned',
    { requires: ['gpu'] },
    { workers: [worker({ host: 'h2' }), worker({ labels: ['gpu=a100'], cordonedSince: 5 })] },
    'cordoned',
    /^Host h1 has been cordoned/,
    /uncordon h1/,
  ],
  [
    'a full worker with the label, whatever others have',
    { requires: ['gpu'] },
    { workers: [worker({ host: 'h2', running: 0, capacity: 9 }), worker({ labels: ['gpu'] })] },
    'slot',
    /^2 of the 2 slots/,
    /./,
  ],
  [
    'the limit of the pool, whatever slots are free',
    {},
    { workers: [worker({ running: 0 })], limit: { atOnce: 3, running: 3, startsLastMinute: 3 }, position: 5 },
    'limit',
    /^The pool's limit of 3 claude runs at once is reached$/,
    /AGENTPOOL_POOL_CONCURRENCY/,
  ],
  [
    'the rate of the pool',
    {},
    { workers: [worker()], limit: { startsPerMinute: 1, running: 9, startsLastMinute: 1, oldestStartOverAt: 5_000 } },
    'limit',
    /^The pool's limit of 1 start of claude in a minute is reached$/,
    /within a minute/,
  ],
  [
    'the limit of the pool on its host, where it is delayed for a moment',
    onHost,
    { workers: [worker()], limit: { atOnce: 1, running: 1, startsLastMinute: 0 }, dueAt: 1_000 },
    'limit',
    /1 claude run at once/,
    /./,
  ],
  [
    'its own delay, before the limit of the pool',
    {},
    { workers: [worker()], limit: { atOnce: 1, running: 1, startsLastMinute: 0 }, dueAt: 1_000 },
    'delay',
    /delayMs is over/,
    /./,
  ],
  [
    'a slot, where the limit of the pool is not reached',
    {},
    { workers: [worker()], limit: { atOnce: 3, startsPerMinute: 9, running: 2, startsLastMinute: 8 } },
    'slot',
    /^2 of the 2 slots/,
    /./,
  ],
  [
    'a newer request',
    { waitReason: 'it waits for a newer worker' },
    { workers: [worker()] },
    'no_worker',
    /newer/,
    /upgrade/,
  ],
  ['its host away', onHost, { workers: [worker({ host: 'h2' })] }, 'host', /^Host h1 is away$/, /on h1/],
  [
    'its host silent',
    onHost,
    { workers: [worker({ alive: false })] },
    'host',
    /last heard of at 1970-01-01T00:00:01/,
    /./,
  ],
  ['a full disk everywhere', {}, { workers: [sick] }, 'host', /h1 takes no runs: the disk is full/, /make room/],
  ['a full disk on one', {}, { workers: [sick, worker()] }, 'slot', /^2 of the 2 slots/, /CONCURRENCY/],
  [
    'a cordon',
    {},
    { workers: [worker({ cordonedSince: 1_000 })] },
    'cordoned',
    /h1 has been cordoned since 1970/,
    /uncordon h1/,
  ],
  ['a cordon on one', {}, { workers: [worker({ cordonedSince: 1 }), worker()] }, 'slot', /^2 of the 2 slots/, /./],
  [
    'its session in use',
    { resumes: 's1' },
    { workers: [worker()], holder: 'r0' },
    'session',
    /s1 is in use by run r0/,
    /kill r0/,
  ],
  ['a delay', {}, { workers: [worker()], dueAt: 5_000 }, 'delay', /1970-01-01T00:00:05/, /./],
  ['a share', {}, { workers: [worker()], dueAt: 5_000, share: { running: 3, most: 3 } }, 'turn', /3 are allowed/, /./],
  ['others before it', {}, { workers: [worker()], position: 3 }, 'turn', /in use; 2 runs go first/, /./],
  ['one before it', {}, { workers: [worker()], position: 2 }, 'turn', /in use; 1 run goes first/, /./],
  ['a slot', {}, { workers: [worker()], position: 1 }, 'slot', /^2 of the 2 slots that can take it are in use$/, /./],
];

describe('a queued run waits', () => {
  test.each(CASES)('for %s', (_, of, facts, kind, message, hint) => {
    const waiting = waitingForOf(run(of), { workers: [], ...facts });
    expect(waiting).toMatchObject({ kind });
    expect(waiting?.message).toMatch(message);
    expect(waiting?.hint).toMatch(hint);
    expect(isStuck(waiting)).toBe(['no_worker', 'host', 'cordoned'].includes(kind));
  });

  test('and any other run does not', () => {
    for (const state of ['running', 'done', 'orphaned'] as const)
      expect(waitingForOf(run({ state }), { workers: [] })).toBeUndefined();
  });
});
