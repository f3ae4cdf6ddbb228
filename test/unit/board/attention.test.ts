import { describe, expect, it } from 'vitest';
import { needsAttention, type Watched } from '../../../src/board/attention.js';
import type { QueueCounts } from '../../../src/shared/queues/queues.js';
import type { LivingWorker } from '../../../src/shared/workers/workers.js';

const NOW = 1_000_000;

function worker(host: string, facts: Partial<LivingWorker> = {}): LivingWorker {
  const runners = [{ name: 'demo', program: '/usr/bin/node' }];
  const process = { pid: 1, processStart: '1', version: '0.1.0', startedAt: 0, allowedPaths: [] };
  const room = { capacity: 4, running: 0, phase: 'ready', lastHeartbeatAt: NOW, alive: true } as const;
  return { id: `${host}-1`, host, runners, ...process, ...room, ...facts };
}

function queue(name: string, counts: Partial<QueueCounts> = {}): QueueCounts {
  return { queue: name, waiting: 0, delayed: 0, active: 0, completed: 0, failed: 0, ...counts };
}

const redis = { version: '7.0.15', evictionPolicy: 'noeviction', appendOnly: true, usedMemoryBytes: 1 };
const well: Watched = { workers: [worker('a')], queues: [queue('runs.demo')], redis, orphaned: 0, now: NOW };
const told = (changed: Partial<Watched>) => needsAttention({ ...well, ...changed }).map(({ what }) => what);

describe('what needs attention', () => {
  it('is nothing when the pool is well', () => {
    expect(told({})).toEqual([]);
    expect(
      told({ queues: [queue('runs.demo', { waiting: 9 }), queue('runs@a', { waiting: 1 }), queue('runs.gone')] }),
    ).toEqual([]);
  });

  it.each([
    [
      'a runner that no worker has',
      queue('runs.claude', { waiting: 1 }),
      [worker('a')],
      '1 run waits in runs.claude, which no live worker serves.',
    ],
    [
      'a host without a worker',
      queue('runs@b', { waiting: 2 }),
      [worker('a')],
      '2 runs wait in runs@b, which no live worker serves.',
    ],
    [
      'runs that wait for a time',
      queue('runs@b', { delayed: 1 }),
      [worker('a')],
      '1 run waits in runs@b, which no live worker serves.',
    ],
    [
      'a worker that stops',
      queue('runs.demo', { waiting: 1 }),
      [worker('a', { phase: 'stopping' })],
      '1 run waits in runs.demo, which no live worker serves.',
    ],
  ] as const)('is a queue that nobody serves: %s', (_, held, workers, notice) => {
    expect(told({ queues: [held], workers })).toEqual([notice]);
  });

  it('is that nobody is there, once and not for every queue', () => {
    const none = 'No worker is alive, so nothing is started.';
    expect(
      told({ workers: [], queues: [queue('runs.demo', { waiting: 3 }), queue('runs.claude', { waiting: 3 })] }),
    ).toEqual([none]);
  });

  it('is a silent worker, and a stopped one that has left programs, unless its host has another', () => {
    const silent = worker('b', { alive: false, lastHeartbeatAt: NOW - 61_000, running: 2 });
    const left = worker('b', { phase: 'left', running: 1 });
    expect(told({ workers: [worker('a'), silent] })).toEqual([
      'The worker of b has been silent for 1 min 1 s; it had 2 runs.',
    ]);
    expect(told({ workers: [worker('a'), left] })).toEqual([
      'The worker of b has stopped and left 1 run behind; nobody looks after them.',
    ]);
    expect(told({ workers: [worker('b', { id: 'b-2' }), silent, left] })).toEqual([]);
  });

  it('is an orphaned run, unless its silent worker is named already', () => {
    expect(told({ orphaned: 1 })).toEqual(['1 run is orphaned: the worker is silent, the program may go on.']);
    expect(told({ orphaned: 1, workers: [worker('a'), worker('b', { alive: false })] })).toHaveLength(1);
  });

  it('is a Redis that forgets, before all else', () => {
    const [first, second] = told({ redis: { ...redis, appendOnly: false }, workers: [] });
    expect(first).toBe('Redis keeps nothing on disk: when it restarts, all runs are lost.');
    expect(second).toMatch(/^No worker/);
    expect(told({ redis: { ...redis, evictionPolicy: 'allkeys-lru' } })[0]).toContain(
      'maxmemory-policy is allkeys-lru',
    );
  });

  it('is a worker that takes no runs, and not the queue that waits for it', () => {
    const problem = { kind: 'disk', message: 'its disk is full', since: NOW - 90_000 } as const;
    const unhealthy = { workers: [worker('a', { problem })], queues: [queue('runs@a', { waiting: 1 })] };
    expect(told(unhealthy)).toEqual(['The worker of a has taken no runs for 1 min 30 s: its disk is full.']);
    expect(told({ workers: [worker('a', { problem, alive: false, id: 'a-0' }), worker('a')] })).toEqual([]);
  });
});
