import type { Logger } from '../../shared/logger.js';
import type { Lease } from '../../shared/queues/leases.js';
import type { Failure, Run } from '../../shared/run.js';
import type { Ownership } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Runner } from '../../shared/runners/runner.js';
import type { RoomReason } from '../host/who-must-end.js';
import type { Spool, SpoolMeta } from '../spool/spool.js';

/** What watching over one run needs. */
export interface SuperviseDeps {
  readonly runs: RunStore;
  readonly runner: Runner;
  readonly own: Ownership;
  readonly spool: Spool;
  readonly meta: SpoolMeta;
  /** How far the run's stream already is, and what is known of it; from the record. */
  readonly from: Pick<Run, 'outBytes' | 'errBytes' | 'sessionId' | 'kill'>;
  /** Only where we started it ourselves. */
  readonly wrapperGone?: Promise<number | undefined>;
  readonly keepLeftovers: boolean;
  /** Whether it found the disk full when it printed. */
  readonly lostOutput: () => boolean;
  readonly rememberSession: (sessionId: string) => Promise<void>;
  /** Tells again what the record does not know: a Redis that crashed may have forgotten it. */
  readonly tellAgain: (run: Run) => Promise<void>;
  readonly logger: Logger;
}

/** One run under our eyes, from the start of its program, or our taking over, to its end. */
export interface Supervision {
  readonly runId: string;
  /** The job that mirrors the run, if we hold it. */
  lease: Lease | undefined;
  /**
   * Resolves when the run has ended, or is not ours any more; with a failure when only this try has ended by it, and the
   * next one is to be started.
   */
  readonly over: Promise<Failure | undefined>;
  /** Somebody may have asked for the end of the run: ends it if its record says so. */
  reconcile(): Promise<void>;
  /** The host has no room for its spool any more. */
  endForRoom(why: RoomReason): void;
  /** The session is known before the program says it. */
  sessionKnown(sessionId: string): void;
  hasSession(): boolean;
  /** Leaves the program alone; the spool tells the next worker everything. */
  detach(): void;
}
