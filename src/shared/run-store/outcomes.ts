import { isEnded, type RunState } from '../run-state.js';

/** How a run came out. */
export interface Outcome {
  readonly state: RunState;
  /** Time from start to end (ms); absent for what was ended before it started. */
  readonly durationMs?: number;
}

/**
 * The ended runs of a runner are in one sorted set, each state in a range of scores of its own and within it by how long they
 * took. So how many there are, and how long the middle one took, is known without reading a run. The numbers are stored.
 */
const RANGE_OF: Readonly<Partial<Record<RunState, number>>> = { done: 1, failed: 2, killed: 3, timed_out: 4 };
/** More milliseconds than a run can take; four times this is still a whole number in a score. */
const RANGE = 2 ** 40;

/** The states that have a range, by their scores. */
export const ENDS = (Object.keys(RANGE_OF) as RunState[]).filter(isEnded);

/** The scores of a state: `first` are those that never started, from `started` on it is the time that they took (ms). */
export function scoresOf(state: RunState): {
  readonly first: number;
  readonly started: number;
  readonly last: number;
} {
  const first = (RANGE_OF[state] ?? 0) * RANGE;
  return { first, started: first + 1, last: first + RANGE - 1 };
}

/** The score of an outcome. */
export function scoreOf({ state, durationMs }: Outcome): number {
  const { first, started, last } = scoresOf(state);
  return durationMs === undefined ? first : Math.min(started + Math.max(0, durationMs), last);
}

/** The outcome that a score means; undefined for one that this release does not know. */
export function outcomeFrom(score: number): Outcome | undefined {
  const state = ENDS[Math.floor(score / RANGE) - 1];
  const after = score % RANGE;
  return state && (after === 0 ? { state } : { state, durationMs: after - 1 });
}
