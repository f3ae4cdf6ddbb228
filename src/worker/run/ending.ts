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
export function createEnding(deps: EndingDeps) {
  const { runId, spool, wrapper, followed, first, pidsBefore, endSignal, left, onKilled, logger } = deps;
  let why: EndedBy | undefined;
  let closed = false;
  let forRoom = false;
  const endings: Promise<void>[] = [];
  let busy = 0;

  async function endAll(signal: KillSignal, graceMs: number): Promise<void> {
    busy += 1;
    const rest = await again(
      () => endTree({ runId, wrapper, others: followed, first, pidsBefore, signal, graceMs }),
      left,
      (error) => logger.warn({ err: error }, 'the processes of the run cannot be looked for; trying again'),
    ).finally(() => {
      busy -= 1;
    });
    if (rest && rest.length > 0) logger.error({ left: rest }, 'processes of the run cannot be ended');
  }

  function begin(reason: EndedBy, signal: KillSignal = endSignal, graceMs = OWN_GRACE_MS): void {
    if (closed || (why && reason !== 'kill')) return;
    if (why === 'kill') {
      // A process that lives after it was carried out, such as one that was stopped before it could start anything, is ended now.
      if (busy === 0) endings.push(endAll(signal, graceMs));
      return;
    }
    why = reason;
    writeEnding(spool, reason);
    logger.info({ why: reason, signal, graceMs }, 'ending the program');
    const begunAt = performance.now();
    const ending = endAll(signal, graceMs);
    endings.push(ending);
    if (reason === 'kill') void ending.then(() => left.aborted || onKilled?.(performance.now() - begunAt));
  }

  function beginForRoom(reason: RoomReason): void {
    if (closed || forRoom) return;
    forRoom = true;
    // An earlier kill may have given it an hour.
    if (why) endings.push(endAll(endSignal, ROOM_GRACE_MS));
    else begin(reason, endSignal, ROOM_GRACE_MS);
  }

  const asked = ({ signal, graceMs }: Pick<KillRequest, 'signal' | 'graceMs'>) =>
    [signal === 'TERM' ? endSignal : signal, graceMs] as const;

  return {
    /** Why we end the program, if we do. */
    why: () => why,
    begin,
    /** There is no room for what it prints. */
    beginForRoom,
    isForRoom: () => forRoom,
    /** A kill of the run was requested. */
    kill: (request: Pick<KillRequest, 'signal' | 'graceMs'>) => begin('kill', ...asked(request)),
    /** A worker before us was ending the program when it died: we go on with that, if the program still lives. */
    goOn(reason: EndedBy, request: Run['kill'], lives: boolean): void {
      if (!lives) why = reason;
      else if (reason === 'kill' && request) begin('kill', ...asked(request));
      else begin(reason);
    },
    /** The program has ended: what comes from here on does not count as a reason any more. */
    close(): void {
      closed = true;
    },
    /** Resolves when everybody has been ended whom we were ending. */
    done: async () => void (await Promise.all(endings)),
    /** Ends what the program has left behind. */
    endLeftovers: () => endAll('TERM', LEFTOVER_GRACE_MS),
  };
}
export type RunEnding = ReturnType<typeof createEnding>;
