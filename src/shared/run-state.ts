/**
 * The states of a run and the changes between them. A state is a fact; a request (a kill that somebody asked for) is a field
 * of the record. Every change is one compare-and-set in Redis against this table, so the first fact wins.
 */
export const RUN_STATES = ['queued', 'running', 'done', 'failed', 'killed', 'timed_out', 'orphaned'] as const;
export type RunState = (typeof RUN_STATES)[number];

const NEXT: Readonly<Record<RunState, readonly RunState[]>> = {
  /** Record and job exist, and no worker owns it. If a worker dies now, another one takes it. */
  queued: ['running', 'killed'],
  /**
   * One worker owns it. If the owner dies, its host re-attaches, or the sweeper says `orphaned`. If it cannot start the
   * program, it gives the run back.
   */
  running: ['queued', 'done', 'failed', 'killed', 'timed_out', 'orphaned'],
  /** The owner is silent; the program may still be running. A returning owner corrects it. */
  orphaned: ['queued', 'running', 'done', 'failed', 'killed', 'timed_out'],
  done: [],
  failed: [],
  killed: [],
  timed_out: [],
};

/** Whether a run may go from one state to another. */
export function canBecome(from: RunState, to: RunState): boolean {
  return NEXT[from].includes(to);
}

/** Whether nothing can change any more. */
export function isEnded(state: RunState): boolean {
  return NEXT[state].length === 0;
}

/** All states from which `to` can be reached: what the compare-and-set script accepts. */
export function statesBefore(to: RunState): readonly RunState[] {
  return RUN_STATES.filter((from) => canBecome(from, to));
}
