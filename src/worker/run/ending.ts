import type { Logger } from '../../shared/logger.js';
import type { KillRequest, KillSignal, Run } from '../../shared/run.js';
import { again } from '../again.js';
import type { RoomReason } from '../host/who-must-end.js';
import type { PidsGiven } from '../process/born-since.js';
import { endTree } from '../process/end-tree.js';
import type { ProcessId, Seen } from '../process/processes.js';
import { type Spool, writeEnding } from '../spool/spool.js';
import type { EndedBy } from './outcome.js';

/** What our own limits and a hopeless program get between the first signal and SIGKILL (ms). */
const OWN_GRACE_MS = 5_000;
/** What it gets where room on the disk is at stake (ms). */
const ROOM_GRACE_MS = 1_000;
/** What processes get that a program left behind at its normal end (ms). */
const LEFTOVER_GRACE_MS = 1_000;

export interface EndingDeps {
  readonly runId: string;
  readonly spool: Spool;
  readonly wrapper: ProcessId | undefined;
  /** Its processes that were followed from its start on. */
  readonly followed: (all: readonly Seen[]) => readonly ProcessId[];
  /** Its first process, where we have started it ourselves. */
  readonly first: ProcessId | undefined;
  /** Which pids had been given before that one was started. */
  readonly pidsBefore: PidsGiven | undefined;
  /** The signal that ends the program, unless the caller asks for another one. */
  readonly endSignal: KillSignal;
  /** We have let go of the run. */
  readonly left: AbortSignal;
  /** All processes are gone; `afterMs`: since the kill request was heard of. */
  readonly onKilled?: (afterMs: number) => void;
  readonly logger: Logger;
}

/** Ends the program of one run when there is a reason to; the first reason counts, and a kill comes on top of it. */
export interface RunEnding {
  /** Why we end the program, if we do. */
  why(): EndedBy | undefined;
  begin(reason: EndedBy): void;
  /** There is no room for what it prints. */
  beginForRoom(reason: RoomReason): void;
  isForRoom(): boolean;
  /** A kill of the run was requested. */
  kill(request: Signalled): void;
  /** A worker before us was ending the program when it died: we go on with that, if the program still lives. */
  goOn(reason: EndedBy, request: Run['kill'], lives: boolean): void;
  /** The program has ended: what comes from here on does not count as a reason any more. */
  close(): void;
  /** Resolves when everybody has been ended whom we were ending. */
  done(): Promise<void>;
  /** Ends what the program has left behind. */
  endLeftovers(): Promise<void>;
}

type Signalled = Pick<KillRequest, 'signal' | 'graceMs'>;

/** Nothing is ended yet. */
export const createEnding = (deps: EndingDeps): RunEnding => new ProgramEnding(deps);

class ProgramEnding implements RunEnding {
  readonly #deps: EndingDeps;
  #why: EndedBy | undefined;
  #closed = false;
  #forRoom = false;
  readonly #endings: Promise<void>[] = [];
  /** How many of them are at work. */
  #busy = 0;

  constructor(deps: EndingDeps) {
    this.#deps = deps;
  }

  why(): EndedBy | undefined {
    return this.#why;
  }

  begin(reason: EndedBy): void {
    this.#begin(reason, { signal: this.#deps.endSignal, graceMs: OWN_GRACE_MS });
  }

  beginForRoom(reason: RoomReason): void {
    if (this.#closed || this.#forRoom) return;
    this.#forRoom = true;
    const how = { signal: this.#deps.endSignal, graceMs: ROOM_GRACE_MS };
    // An earlier kill may have given it an hour.
    if (this.#why) this.#endings.push(this.#endAll(how));
    else this.#begin(reason, how);
  }

  isForRoom(): boolean {
    return this.#forRoom;
  }

  kill({ signal, graceMs }: Signalled): void {
    this.#begin('kill', { signal: signal === 'TERM' ? this.#deps.endSignal : signal, graceMs });
  }

  goOn(reason: EndedBy, request: Run['kill'], lives: boolean): void {
    if (!lives) this.#why = reason;
    else if (reason === 'kill' && request) this.kill(request);
    else this.begin(reason);
  }

  close(): void {
    this.#closed = true;
  }

  async done(): Promise<void> {
    await Promise.all(this.#endings);
  }

  endLeftovers(): Promise<void> {
    return this.#endAll({ signal: 'TERM', graceMs: LEFTOVER_GRACE_MS });
  }

  #begin(reason: EndedBy, how: Signalled): void {
    if (this.#closed || (this.#why && reason !== 'kill')) return;
    if (this.#why === 'kill') {
      // A process that lives after it was carried out, such as one that was stopped before it could start anything, is ended now.
      if (this.#busy === 0) this.#endings.push(this.#endAll(how));
      return;
    }
    const { spool, left, onKilled, logger } = this.#deps;
    this.#why = reason;
    writeEnding(spool, reason);
    logger.info({ why: reason, ...how }, 'ending the program');
    const begunAt = performance.now();
    const ending = this.#endAll(how);
    this.#endings.push(ending);
    if (reason === 'kill') void ending.then(() => left.aborted || onKilled?.(performance.now() - begunAt));
  }

  async #endAll({ signal, graceMs }: Signalled): Promise<void> {
    const { runId, wrapper, followed, first, pidsBefore, left, logger } = this.#deps;
    this.#busy += 1;
    const rest = await again(
      () => endTree({ runId, wrapper, others: followed, first, pidsBefore, signal, graceMs }),
      left,
      (error) => logger.warn({ err: error }, 'the processes of the run cannot be looked for; trying again'),
    ).finally(() => {
      this.#busy -= 1;
    });
    if (rest && rest.length > 0) logger.error({ left: rest }, 'processes of the run cannot be ended');
  }
}
