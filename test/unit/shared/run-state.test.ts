import { describe, expect, test } from 'vitest';
import { canBecome, isEnded, RUN_STATES, type RunState, statesBefore } from '../../../src/shared/run-state.js';

/** The graph of the design, one line for each change that may happen. */
const CHANGES: readonly `${RunState} > ${RunState}`[] = [
  'queued > running',
  'queued > killed',
  'running > queued',
  'running > done',
  'running > failed',
  'running > killed',
  'running > timed_out',
  'running > orphaned',
  'orphaned > queued',
  'orphaned > running',
  'orphaned > done',
  'orphaned > failed',
  'orphaned > killed',
  'orphaned > timed_out',
];

describe('a run', () => {
  const pairs = RUN_STATES.flatMap((from) => RUN_STATES.map((to) => [from, to] as const));

  test.each(pairs)('that is %s may become %s only if the graph says so', (from, to) => {
    expect(canBecome(from, to)).toBe(CHANGES.includes(`${from} > ${to}`));
    expect(statesBefore(to).includes(from)).toBe(CHANGES.includes(`${from} > ${to}`));
  });

  test.each(RUN_STATES)('that is %s has ended only if nothing can change any more', (state) => {
    expect(isEnded(state)).toBe(!CHANGES.some((change) => change.startsWith(`${state} > `)));
  });

  test('has exactly four ways to end', () => {
    expect(RUN_STATES.filter(isEnded)).toEqual(['done', 'failed', 'killed', 'timed_out']);
  });

  test('can come to its end from wherever it is', () => {
    for (const state of RUN_STATES.filter((one) => !isEnded(one))) expect(canBecome(state, 'killed')).toBe(true);
  });
});
