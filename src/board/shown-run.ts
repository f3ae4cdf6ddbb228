import type { RunActivity } from '../client/what-was-done.js';
import type { WorkerFacts } from '../client/worker-facts.js';
import type { Principal } from '../shared/principal.js';
import type { Run } from '../shared/run.js';
import type { Block } from './transcript-blocks.js';

/** What changes while a run goes on: everything but its transcript and output. */
export interface RunFacts {
  readonly run: Run;
  readonly worker: WorkerFacts;
  /** What was asked; absent when it is not kept any more. */
  readonly prompt?: string;
  readonly result?: string;
  /** The program speaks JSON: what it says is Markdown. */
  readonly speaks: boolean;
  readonly activity?: RunActivity;
  readonly queuePosition?: number;
  /** The viewer. */
  readonly principal: Principal;
  /** Milliseconds, by the clock of Redis. */
  readonly now: number;
}

/** A part of the transcript of a run, and where it goes on. */
export interface ShownTranscript {
  readonly blocks: readonly Block[];
  /** The cursor from which events are sent. */
  readonly cursor: string;
  /** It does not begin with the beginning. */
  readonly isTail: boolean;
  /** The rest is on further pages. */
  readonly hasMore: boolean;
  readonly droppedBytes: number;
}

/** Everything that the page of a run shows. */
export interface ShownRun extends RunFacts {
  /** The end of the output; empty when nothing was printed, or when it is not kept any more. */
  readonly tail: Buffer;
  /** Absent for programs that print text. */
  readonly transcript?: ShownTranscript;
}
