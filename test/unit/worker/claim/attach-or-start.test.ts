import { describe, expect, test } from 'vitest';
import { RUN_STATES } from '../../../../src/shared/run-state.js';
import { decide, type Here } from '../../../../src/worker/claim/attach-or-start.js';

const US = 'host-us';
const ANYWHERE: readonly Here[] = ['watched', 'spooled', 'nowhere'];

describe('a job that BullMQ hands out', () => {
  test.each(ANYWHERE)('of no run is ended (here: %s)', (here) => {
    expect(decide(undefined, US, here)).toBe('end');
  });

  test.each(['done', 'failed', 'killed', 'timed_out'] as const)('of a run that is %s is ended', (state) => {
    for (const worker of [US, 'host-other'])
      for (const here of ANYWHERE) expect(decide({ state, worker }, US, here)).toBe('end');
  });

  test('of a queued run is started', () => {
    expect(decide({ state: 'queued' }, US, 'nowhere')).toBe('start');
  });

  test.each(['watched', 'spooled'] as const)('of a queued run that is %s here is not started again', (here) => {
    expect(decide({ state: 'queued' }, US, here)).toBe('mirror');
  });

  test.each(['running', 'orphaned'] as const)(
    'of a run that is %s and ours is attached, or started if nobody did',
    (state) => {
      expect(decide({ state, worker: US }, US, 'watched')).toBe('attach');
      expect(decide({ state, worker: US }, US, 'spooled')).toBe('mirror');
      expect(decide({ state, worker: US }, US, 'nowhere')).toBe('start-claimed');
    },
  );

  test.each([{ launched: 1 }, { pid: 7 }])(
    'of a run of ours that may have been started (%j) is never started',
    (run) => {
      expect(decide({ state: 'running', worker: US, ...run }, US, 'nowhere')).toBe('mirror');
    },
  );

  test.each(['running', 'orphaned'] as const)('of a run that is %s with another worker is only mirrored', (state) => {
    for (const here of ANYWHERE) {
      expect(decide({ state, worker: 'host-other' }, US, here)).toBe('mirror');
      expect(decide({ state }, US, here)).toBe('mirror');
    }
  });

  test('never makes a program start that another worker may have started', () => {
    for (const state of RUN_STATES)
      for (const here of ANYWHERE)
        if (state !== 'queued') expect(decide({ state, worker: 'host-other' }, US, here)).not.toMatch(/^start/);
  });
});
