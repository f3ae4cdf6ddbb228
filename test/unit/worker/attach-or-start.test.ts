import { describe, expect, test } from 'vitest';
import { RUN_STATES } from '../../../src/shared/run-state.js';
import { decide } from '../../../src/worker/attach-or-start.js';

const US = 'host-us';

describe('a job that BullMQ hands out', () => {
  test.each([true, false])('of no run is ended (known: %s)', (known) => {
    expect(decide(undefined, US, known)).toBe('end');
  });

  test.each(['done', 'failed', 'killed', 'timed_out'] as const)('of a run that is %s is ended', (state) => {
    for (const worker of [US, 'host-other'])
      for (const known of [true, false]) expect(decide({ state, worker }, US, known)).toBe('end');
  });

  test('of a queued run is started', () => {
    expect(decide({ state: 'queued' }, US, false)).toBe('start');
  });

  test.each(['running', 'orphaned'] as const)(
    'of a run that is %s and ours is attached, or started if nobody did',
    (state) => {
      expect(decide({ state, worker: US }, US, true)).toBe('attach');
      expect(decide({ state, worker: US }, US, false)).toBe('start-claimed');
    },
  );

  test.each(['running', 'orphaned'] as const)('of a run that is %s with another worker is only mirrored', (state) => {
    for (const known of [true, false]) {
      expect(decide({ state, worker: 'host-other' }, US, known)).toBe('mirror');
      expect(decide({ state }, US, known)).toBe('mirror');
    }
  });

  test('never makes a program start that another worker may have started', () => {
    for (const state of RUN_STATES)
      for (const known of [true, false])
        if (state !== 'queued') expect(decide({ state, worker: 'host-other' }, US, known)).not.toMatch(/^start/);
  });
});
