import type { Logger } from '../../shared/logger.js';
import { plainText } from '../../shared/plain-text.js';
import { type KillRequest, type Run, WORD } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { Chunk } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Findings, Runner } from '../../shared/runners/runner.js';
import { again } from '../again.js';
import type { Figures } from '../figures.js';
import type { RoomReason } from '../host/who-must-end.js';
import { type Shipping, startShipping } from '../output/ship.js';
import type { PidsGiven } from '../process/born-since.js';
import type { Following } from '../process/descendants.js';
import { isAlive, uptimeMs } from '../process/processes.js';
import { rememberedKin, rememberKin } from '../spool/kin.js';
import { readEnding, type Spool } from '../spool/spool.js';
import type { SpoolMeta } from '../spool/spool-meta.js';
import { type Exit, watchSpool, whenGrown } from '../spool/watch-spool.js';
import { createAfterResult } from './after-result.js';
import { createEnding, type RunEnding } from './ending.js';
import { type ConfirmedOwner, finish, type Over } from './finish.js';
import { startLimits } from './limits.js';
import type { EndedBy } from './outcome.js';
import { createProviderLimit } from './provider-limit.js';
import { startReadingFindings } from './read-findings.js';
import { createSessionRecord } from './session-record.js';

const NO_LIMITS = { timeoutMs: Number.POSITIVE_INFINITY, silenceTimeoutMs: 0 };
const LEFT: Over = { kind: 'left' };

/** What watching over one run needs. */
export interface Supervised {
  readonly runs: RunStore;
  readonly runner: Runner;
  readonly own: ConfirmedOwner;
  readonly spool: Spool;
  readonly meta: SpoolMeta;
  /** How far the run's stream already is, and what is known of it; from the record. */
  readonly from: Pick<Run, 'outBytes' | 'errBytes' | 'sessionId' | 'kill'>;
  /** Only where we started it ourselves. */
  readonly wrapperGone?: Promise<number | undefined>;
  readonly pidsBefore?: PidsGiven | undefined;
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
  readonly figures: Figures;
  /** Called with each message of its stdout; absent without a listener. */
  readonly saw?: (message: unknown) => void;
  readonly logger: Logger;
}

/** The watch over one program, from its start or its take-over to its end. */
export interface Supervision {
  /** Resolves when the program has ended and that is recorded, or when the run is not ours any more. */
  readonly over: Promise<Over>;
  /** A kill may have been requested: ends the run if its record says so. */
  reconcile(): Promise<void>;
  /** A kill is requested and Redis cannot store that: it is recorded when it can be. */
  kill(request: Omit<KillRequest, 'requestedAt'>): void;
  /** The host has no room for its spool any more. */
  endForRoom(why: RoomReason): void;
  /** Whether it is being ended for that. */
  endsForRoom(): boolean;
  /** The session is known before the program says it. */
  sessionKnown(sessionId: string): void;
  hasSession(): boolean;
  /** Its output that Redis has not confirmed (bytes). */
  behind(): number;
  /** Leaves the program alone; the spool tells the next worker everything. */
  detach(): void;
}

/** Watches over a program until its run has ended, or is not ours any more. Throws only before it has begun. */
export const supervise = (given: Supervised): Supervision => new ProgramWatch(given);

class ProgramWatch implements Supervision {
  readonly over: Promise<Over>;
  readonly #given: Supervised;
  readonly #followed: ReturnType<Following['follow']>;
  readonly #ending: RunEnding;
  readonly #session: ReturnType<typeof createSessionRecord>;
  readonly #limit: ReturnType<typeof createProviderLimit>;
  readonly #shipping: Shipping;
  readonly #stdout: ReturnType<typeof startReadingFindings>;
  readonly #afterResult: ReturnType<typeof createAfterResult>;
  readonly #limits: ReturnType<typeof startLimits>;
  readonly #spoolWatch: ReturnType<typeof watchSpool>;
  /** Aborted when we have let go of the run, with its end or before. */
  readonly #left = new AbortController();
  #exited = false;
  /** How often the connection to Redis had been lost when it was seen last that the record has all that was told once. */
  #toldAt: number;
  /** What the record does not have yet. */
  #toldToKill: Omit<KillRequest, 'requestedAt'> | undefined;
  #resolveOver = (_: Over) => {};

  constructor(given: Supervised) {
    const { runs, runner, own, spool, meta, from, logger } = given;
    this.#toldAt = runs.interruptions();
    // Its end, if it has ended already, is its own: the limits are for those who live.
    const lives = given.wrapperGone !== undefined || (meta.wrapper !== undefined && isAlive(meta.wrapper));
    const before = given.wrapperGone ? undefined : (readEnding(spool, meta) as EndedBy | undefined);
    this.#given = given;
    this.over = new Promise<Over>((resolve) => {
      this.#resolveOver = resolve;
    });
    const kin = [...(meta.wrapper ? [meta.wrapper] : []), ...(isNew(given) ? [] : rememberedKin(spool, meta))];
    this.#followed = given.following.follow(kin, (living) => rememberKin(spool, living));
    this.#ending = createEnding({
      runId: own.id,
      spool,
      wrapper: meta.wrapper,
      followed: this.#followed.livingAmong,
      // A spool may be forged, and an earlier attempt may have left something.
      first: isNew(given) ? meta.wrapper : undefined,
      pidsBefore: given.pidsBefore,
      endSignal: runner.endSignal ?? 'TERM',
      left: this.#left.signal,
      onKilled: given.figures.killed,
      logger,
    });
    const recorded = { runs, runner: runner.name, own, remember: given.rememberSession, logger };
    this.#session = createSessionRecord(recorded, from.sessionId);
    this.#limit = createProviderLimit({ runs, own, left: this.#left.signal, logger });
    this.#shipping = this.#startShipping();
    this.#stdout = startReadingFindings(given, (learned) => this.#learn(learned));
    this.#afterResult = createAfterResult({
      graceMs: given.afterResultGraceMs,
      messages: this.#stdout.reader.messages,
      onLingering: () => void keepResult(given, this.#stdout.reader.resultSoFar(), this.#left.signal),
      onOver: () => this.#ending.begin('after_result'),
    });
    if (before) this.#ending.goOn(before, from.kill, lives);
    const elapsedMs = lives ? uptimeMs() - meta.startedUptimeMs : 0;
    this.#limits = startLimits(lives ? meta : NO_LIMITS, elapsedMs, (limit) => this.#ending.begin(limit));
    this.#spoolWatch = this.#watchSpool();
  }

  sessionKnown(sessionId: string): void {
    this.#session.known(sessionId);
  }

  hasSession(): boolean {
    return this.#session.isKnown();
  }

  behind(): number {
    return this.#shipping.behind();
  }

  kill(request: Omit<KillRequest, 'requestedAt'>): void {
    this.#toldToKill = request;
    this.#ending.kill(request);
  }

  endForRoom(why: RoomReason): void {
    this.#ending.beginForRoom(why);
  }

  endsForRoom(): boolean {
    return this.#ending.isForRoom();
  }

  async reconcile(): Promise<void> {
    const { runs, own } = this.#given;
    const interruptions = runs.interruptions();
    const run = await runs.get(own.id);
    if (this.#left.signal.aborted || this.#exited) return;
    if (run?.epoch !== own.epoch) return this.#leave(LEFT); // replaced, or a Redis that crashed has forgotten our claim
    if (run.state === 'orphaned') await runs.comeBack(own);
    if (run.kill) this.#ending.kill(run.kill);
    else if (this.#toldToKill) await runs.requestKill(own.id, this.#toldToKill);
    this.#shipping.compare({ out: run.outBytes, err: run.errBytes });
    this.#limit.compare(run);
    await this.#tellAgain(run, interruptions);
  }

  async #tellAgain(run: Run, interruptions: number): Promise<void> {
    if (!isEnded(run.state)) await this.#given.tellAgain(run);
    await this.#session.compare(run);
    this.#toldAt = interruptions;
  }

  /** What was told once is in the record, and elsewhere, before the end is: afterwards nobody tells it. Answers the session. */
  async #tellBeforeEnd(): Promise<string | undefined> {
    const { runs, own } = this.#given;
    const sessionId = await this.#session.accepted();
    const interruptions = runs.interruptions();
    if (this.#toldAt === interruptions && this.#session.isTold()) return sessionId;
    const run = await runs.get(own.id);
    if (run?.epoch === own.epoch) await this.#tellAgain(run, interruptions);
    return this.#session.accepted();
  }

  detach(): void {
    this.#leave(LEFT);
  }

  #startShipping(): Shipping {
    const { spool, from, mostOutputKept, figures, logger } = this.#given;
    return startShipping({
      spool,
      from: { out: from.outBytes, err: from.errBytes },
      isNew: isNew(this.#given),
      append: (chunks) => append(this.#given, chunks),
      mostKept: mostOutputKept,
      onShipped: figures.shipped,
      onFenced: () => {
        logger.warn('the run has another owner now');
        this.#leave(LEFT);
      },
      logger,
    });
  }

  #watchSpool() {
    const { spool, meta, wrapperGone, program, logger } = this.#given;
    const onOutput = whenGrown(spool, () => {
      this.#limits.heard();
      this.#followed.heard();
      this.#shipping.kick();
      this.#stdout.kick();
    });
    const onExit = (exit: Exit) => void this.#end(exit);
    return watchSpool({ spool, wrapper: meta.wrapper, wrapperGone, program, onOutput, onExit, logger });
  }

  #learn(learned: Findings): void {
    // It becomes an argument of a later run, and what is printed is not always of the program's own making.
    if (learned.sessionId !== undefined && WORD.test(learned.sessionId)) this.#session.known(learned.sessionId);
    if (learned.limit && !this.#exited) this.#limit.learned(learned.limit);
    if (learned.hopeless) this.#ending.begin('hopeless');
    if (learned.ended && !this.#exited) this.#afterResult.ended();
  }

  async #end(exit: Exit): Promise<void> {
    this.#exited = true;
    this.#limits.stop();
    this.#afterResult.stop();
    this.#ending.close();
    if (exit.kind === 'refused') return this.#leave(LEFT);
    if (exit.kind === 'unstarted') return this.#leave(exit);
    const { runs, runner, own, spool, meta, keepLeftovers, lostOutput, logger } = this.#given;
    const parts = { ending: this.#ending, shipping: this.#shipping, stdout: this.#stdout, left: this.#left.signal };
    const tellBefore = () => this.#tellBeforeEnd();
    const of = { runs, runner, own, spool, meta, keepLeftovers, lostOutput, tellBefore, logger, ...parts };
    const result = await again(
      () => finish(of, exit.code),
      this.#left.signal,
      (error) => logger.warn({ err: error }, 'the end of the run cannot be recorded; trying again'),
    );
    this.#leave(result ?? LEFT);
  }

  #leave(result: Over): void {
    this.#left.abort('left'); // with a reason none is made, which takes a trace of the stack
    this.#followed.stop();
    this.#spoolWatch.stop();
    this.#limits.stop();
    this.#afterResult.stop();
    this.#shipping.stop();
    this.#stdout.close();
    this.#resolveOver(result);
  }
}

/** We have started its program ourselves, and it is the first: nothing of the run can be older. */
const isNew = ({ wrapperGone, meta }: Supervised): boolean => wrapperGone !== undefined && !meta.attempt;

/** Appends output. Refused: another owner, or we were silent for so long that we were taken for dead. */
async function append({ runs, own }: Supervised, chunks: readonly Chunk[]) {
  const sentAt = performance.now();
  const answer = await runs.append(own, chunks);
  if (answer.code >= 0) own.confirmedAt = sentAt;
  return answer.code >= 0 || !(await runs.comeBack(own)).changed ? answer : runs.append(own, chunks);
}

/** The program has reported its result and lives on: callers can read it, even if this worker is never heard of again. */
async function keepResult({ runs, own, logger }: Supervised, result: string | undefined, left: AbortSignal) {
  if (result === undefined) return;
  await again(
    () => runs.keepResult(own, plainText(result)),
    left,
    (error) => logger.debug({ err: error }, 'the result cannot be recorded yet'),
  );
}
