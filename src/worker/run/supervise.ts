import type { Logger } from '../../shared/logger.js';
import { plainText } from '../../shared/plain-text.js';
import { type KillRequest, type Run, WORD } from '../../shared/run.js';
import type { Chunk, Ownership } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Findings, Runner } from '../../shared/runners/runner.js';
import { again } from '../again.js';
import type { RoomReason } from '../host/who-must-end.js';
import { startReadingStdout } from '../output/read-stdout.js';
import { startShipping } from '../output/ship.js';
import type { Following } from '../process/descendants.js';
import { isAlive, uptimeMs } from '../process/processes.js';
import { rememberedKin, rememberKin } from '../spool/kin.js';
import { readEnding, type Spool } from '../spool/spool.js';
import type { SpoolMeta } from '../spool/spool-meta.js';
import { type Exit, watchSpool, whenGrown } from '../spool/watch-spool.js';
import { createAfterResult } from './after-result.js';
import { createEnding } from './ending.js';
import { finish, type Over } from './finish.js';
import { startLimits } from './limits.js';
import type { EndedBy } from './outcome.js';
import { createSessionRecord } from './session-record.js';

/** What a program gets between the first signal and SIGKILL where room on the disk is at stake (ms). */
const ROOM_GRACE_MS = 1_000;
const NO_LIMITS = { timeoutMs: Number.POSITIVE_INFINITY, silenceTimeoutMs: 0 };
const LEFT: Over = { kind: 'left' };

/** What watching over one run needs. */
export interface Supervised {
  readonly runs: RunStore;
  readonly runner: Runner;
  readonly own: Ownership;
  readonly spool: Spool;
  readonly meta: SpoolMeta;
  /** How far the run's stream already is, and what is known of it; from the record. */
  readonly from: Pick<Run, 'outBytes' | 'errBytes' | 'sessionId' | 'kill'>;
  /** Only where we started it ourselves. */
  readonly wrapperGone?: Promise<number | undefined>;
  readonly program?: Promise<number | undefined>;
  /** Follows the processes of all runs of this worker. */
  readonly following: Pick<Following, 'follow'>;
  readonly keepLeftovers: boolean;
  /** How long a program may live on after its terminal event (ms). */
  readonly afterResultGraceMs: number;
  /** What Redis keeps of the output (bytes). */
  readonly mostOutputKept: number;
  /** Whether it found the disk full when it printed. */
  readonly lostOutput: () => boolean;
  readonly rememberSession: (sessionId: string, run: Run) => Promise<void>;
  /** Tells again what the record does not know: a Redis that crashed may have forgotten it. */
  readonly tellAgain: (run: Run) => Promise<void>;
  readonly logger: Logger;
}

/** One program under our eyes, from its start, or our taking over, to its end. */
export interface Supervision {
  /** Resolves when the program has ended and that is recorded, or when the run is not ours any more. */
  readonly over: Promise<Over>;
  /** Somebody may have asked for the end of the run: ends it if its record says so. */
  reconcile(): Promise<void>;
  /** Somebody asks for its end, and Redis cannot store that: it is recorded when it can. */
  kill(request: Omit<KillRequest, 'requestedAt'>): void;
  /** The host has no room for its spool any more. */
  endForRoom(why: RoomReason): void;
  /** The session is known before the program says it. */
  sessionKnown(sessionId: string): void;
  hasSession(): boolean;
  /** Leaves the program alone; the spool tells the next worker everything. */
  detach(): void;
}

/** Watches over a program until its run has ended, or is not ours any more. Throws only before it has begun. */
export function supervise(given: Supervised): Supervision {
  const { runs, runner, own, spool, meta, logger } = given;
  const left = new AbortController();
  // Its end, if it has ended already, is its own: the limits are for those who live.
  const lives = given.wrapperGone !== undefined || (meta.wrapper !== undefined && isAlive(meta.wrapper));
  const before = readEnding(spool) as EndedBy | undefined;
  let exited = false;
  let toldToKill: Omit<KillRequest, 'requestedAt'> | undefined;
  let resolveOver = (_: Over) => {};
  const over = new Promise<Over>((resolve) => {
    resolveOver = resolve;
  });

  const endSignal = runner.endSignal ?? 'TERM';
  const followed = given.following.follow(
    [...(meta.wrapper ? [meta.wrapper] : []), ...rememberedKin(spool, meta)],
    (living) => rememberKin(spool, living),
  );
  const ending = createEnding({
    runId: own.id,
    spool,
    wrapper: meta.wrapper,
    followed: followed.living,
    endSignal,
    left: left.signal,
    logger,
  });
  const session = createSessionRecord(
    { runs, runner: runner.name, own, remember: given.rememberSession, logger },
    given.from.sessionId,
  );
  const shipping = startShipping({
    spool,
    from: { out: given.from.outBytes, err: given.from.errBytes },
    append: (chunks) => append(given, chunks),
    mostKept: given.mostOutputKept,
    onFenced: () => {
      logger.warn('the run has another owner now');
      leave(LEFT);
    },
    logger,
  });
  const stdout = readStdout(given, (learned) => {
    // It becomes an argument of a later run, and what is printed is not always of the program's own making.
    if (learned.sessionId !== undefined && WORD.test(learned.sessionId)) session.known(learned.sessionId);
    if (learned.hopeless) ending.begin('hopeless');
    if (learned.ended && !exited) afterResult.ended();
  });
  const afterResult = createAfterResult({
    graceMs: given.afterResultGraceMs,
    messages: stdout.reader.messages,
    onLingering: () => void keepResult(given, stdout.reader.resultSoFar(), left.signal),
    onOver: () => ending.begin('after_result'),
  });
  if (before) ending.goOn(before, given.from.kill, lives);
  const limits = startLimits(lives ? meta : NO_LIMITS, lives ? uptimeMs() - meta.startedUptimeMs : 0, ending.begin);
  const spoolWatch = watchSpool({
    spool,
    wrapper: meta.wrapper,
    wrapperGone: given.wrapperGone,
    program: given.program,
    onOutput: whenGrown(spool, () => {
      limits.heard();
      followed.heard();
      shipping.kick();
      stdout.kick();
    }),
    onExit: (exit) => void end(exit),
    logger,
  });

  async function end(exit: Exit): Promise<void> {
    exited = true;
    limits.stop();
    afterResult.stop();
    ending.close();
    if (exit.kind === 'refused') return leave(LEFT);
    if (exit.kind === 'unstarted') return leave(exit);
    const { keepLeftovers, lostOutput } = given;
    const of = { runs, runner, own, spool, meta, ending, shipping, stdout, keepLeftovers, lostOutput, logger };
    const result = await again(
      () => finish({ ...of, left: left.signal }, exit.code),
      left.signal,
      (error) => logger.warn({ err: error }, 'the end of the run cannot be recorded; trying again'),
    );
    leave(result ?? LEFT);
  }

  function leave(result: Over): void {
    left.abort();
    followed.stop();
    spoolWatch.stop();
    limits.stop();
    afterResult.stop();
    shipping.stop();
    stdout.close();
    resolveOver(result);
  }

  return {
    over,
    sessionKnown: session.known,
    hasSession: session.isKnown,
    kill(request) {
      toldToKill = request;
      ending.kill(request);
    },
    endForRoom: (why) => ending.begin(why, endSignal, ROOM_GRACE_MS),
    async reconcile() {
      const run = await runs.get(own.id);
      if (left.signal.aborted || exited) return;
      if (run?.epoch !== own.epoch) return leave(LEFT); // replaced, or a Redis that crashed has forgotten our claim
      if (run.state === 'orphaned') await runs.comeBack(own);
      if (run.kill) ending.kill(run.kill);
      else if (toldToKill) await runs.requestKill(own.id, toldToKill);
      shipping.compare({ out: run.outBytes, err: run.errBytes });
      await given.tellAgain(run);
      await session.compare(run);
    },
    detach: () => leave(LEFT),
  };
}

/** Appends output. Refused: another owner, or we were silent for so long that we were taken for dead. */
async function append({ runs, own }: Supervised, chunks: readonly Chunk[]) {
  const answer = await runs.append(own, chunks);
  return answer.code >= 0 || !(await runs.comeBack(own)).changed ? answer : runs.append(own, chunks);
}

/** The program has told its result and lives on: whoever looks finds it, even if this worker is never heard of again. */
async function keepResult({ runs, own, logger }: Supervised, result: string | undefined, left: AbortSignal) {
  if (result === undefined) return;
  await again(
    () => runs.keepResult(own, plainText(result)),
    left,
    (error) => logger.debug({ err: error }, 'the result cannot be recorded yet'),
  );
}

/** Looks for facts in stdout, anew from the start of the attempt: the spool has all of it. */
function readStdout({ runner, spool, meta, logger }: Supervised, onLearned: (learned: Findings) => void) {
  const from = meta.attempt?.from.out ?? 0;
  return startReadingStdout({ runner, file: spool.stdout, from, onLearned, logger });
}
