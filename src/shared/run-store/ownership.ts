import type { Failure, Usage } from '../run.js';
import type { RunState } from '../run-state.js';

/** How long things are kept, and how much of them. */
export interface Retention {
  readonly outputRetentionMs: number;
  readonly recordRetentionMs: number;
  readonly sessionRetentionMs: number;
  readonly maxOutputBytes: number;
}

/** Who owns a run: a writer whose epoch is not the record's is refused. */
export interface Ownership {
  readonly id: string;
  readonly epoch: number;
}

/** What came of a compare-and-set: done, or the state that was found instead. */
export interface Change {
  readonly changed: boolean;
  /** The state after the attempt; undefined when there is no such run. */
  readonly state: RunState | undefined;
  readonly epoch: number;
}

/** How a run ended. */
export interface Ending {
  readonly state: 'done' | 'failed' | 'killed' | 'timed_out';
  readonly exitCode?: number;
  readonly failure?: Failure;
  readonly usage?: Usage;
  readonly result?: string;
}

/** How much output a run's stream has, or has to have (bytes). */
export interface Shipped {
  readonly out: number;
  readonly err: number;
}

/** What came of an attempt to end a run; `missing`: its stream has less output than it must have, and how much. */
export interface EndChange extends Change {
  readonly missing?: Shipped;
}

export interface Chunk {
  readonly kind: 'out' | 'err';
  readonly offset: number;
  readonly bytes: Buffer;
}
