import type { FailureKind, Usage } from '../shared/run.js';
import type { RunState } from '../shared/run-state.js';

/** The metrics of a worker; labels are runners, states and kinds of failures, so their number is bounded. */
export interface Figures {
  /** A program was started; `afterMs`: since its run was claimed (ms). */
  started(runner: string, afterMs: number): void;
  ended(runner: string, state: RunState, failure: FailureKind | undefined): void;
  /** What a run with a program took: the time since its first start (ms), and the tokens and money that the program reports. */
  took(runner: string, afterMs: number, usage: Usage): void;
  /** All processes of a run are gone; `afterMs`: since this worker heard of the kill request (ms). */
  killed(afterMs: number): void;
  /** Redis has confirmed output (bytes). */
  shipped(bytes: number): void;
}

const nothing = () => {};

/** Counts nothing, for a worker without a metrics endpoint. */
export const NO_FIGURES: Figures = {
  started: nothing,
  ended: nothing,
  took: nothing,
  killed: nothing,
  shipped: nothing,
};
