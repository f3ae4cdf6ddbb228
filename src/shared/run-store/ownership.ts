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

/** What came of it, and what the record says at that moment. */
export interface ChangeWithRecord extends Change {
  readonly isKillRequested: boolean;
  readonly shipped: Shipped;
}

/** How a run ended. */
export interface Ending {
  readonly state: 'done' | 'failed' | 'killed' | 'timed_out';
  readonly exitCode?: number;
  readonly failure?: Failure;
  readonly usage?: Usage;
  readonly result?: string;
  /** Where the record does not have it yet; once with its end, it has it whatever Redis has forgotten. */
  readonly sessionId?: string;
  /** How long ago its program ended (ms); absent: now. */
  readonly agoMs?: number;
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

/**
 * What came of an attempt to give a run back; `refused`: somebody asked for its end, its program was started once, or it
 * has failed too often in unexpected ways.
 */
export interface Requeued extends Change {
  readonly refused?: 'kill' | 'started' | 'errors';
}

export interface Chunk {
  readonly kind: 'out' | 'err';
  readonly offset: number;
  readonly bytes: Buffer;
  /** This many bytes from `offset` on were lost before they could be sent; `bytes` is then empty. */
  readonly gone?: number;
}

/** What came of an attempt to append, and how much output the stream has now. */
export interface Appended extends Shipped {
  /** 1: all of it is in. 0: an offset was not the next one, go on from `out` and `err`. -1: another worker owns the run. */
  readonly code: 1 | 0 | -1;
}

/** What a kill request found. */
export interface KillRecorded {
  /** Undefined when there is no such run. */
  readonly state: RunState | undefined;
  /** The owner, which has to be notified; empty when it has no owner. */
  readonly worker: string;
}
