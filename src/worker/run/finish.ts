import type { Logger } from '../../shared/logger.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { Failure, Usage } from '../../shared/run.js';
import { isEnded, type RunState } from '../../shared/run-state.js';
import type { Ending, Ownership } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Findings, Runner } from '../../shared/runners/runner.js';
import { again } from '../again.js';
import type { startReadingOutput } from '../output/read-output.js';
import type { Shipping } from '../output/ship.js';
import { emptyOutput, exitedAt, lastSaidAt, removeInputs, type Spool } from '../spool/spool.js';
import type { SpoolMeta } from '../spool/spool-meta.js';
import { refusalOf } from './attempts.js';
import type { RunEnding } from './ending.js';
import { lastWords } from './last-words.js';
import { isCutOff, isForRoom, outcomeOf } from './outcome.js';
import { withOwnUsage } from './session-usage.js';

/** What came of watching over a program. */
export type Over =
  | (RecordedEnd & { readonly kind: 'ended'; readonly failure?: Failure; readonly usage?: Usage })
  /** The run is not ours any more, or was let go. */
  | { readonly kind: 'left' }
  /** Only this attempt has ended, by a refusal of the provider, and the next one is to be started. */
  | { readonly kind: 'refused'; readonly because: Failure }
  /** The host could not start the program; the prompt was not given to it. */
  | { readonly kind: 'unstarted'; readonly code: number | undefined };

/** An end that Redis has taken. */
export interface RecordedEnd {
  readonly state: RunState;
  /**
   * How often a connection had been lost when the end was sent (see `Settling.interruptions`). Where it is more by now, the
   * Redis that has taken it may not be the one that is asked next.
   */
  readonly interruptions: number;
}

/** Who owns a run, as Redis has confirmed. */
export interface ConfirmedOwner extends Ownership {
  /** When we sent what Redis has taken last from us as the owner (`performance.now()`). */
  confirmedAt: number;
}

export interface Finish {
  readonly runs: RunStore;
  readonly runner: Runner;
  readonly own: ConfirmedOwner;
  readonly spool: Spool;
  readonly meta: SpoolMeta;
  readonly ending: RunEnding;
  readonly shipping: Shipping;
  readonly stdout: Pick<ReturnType<typeof startReadingOutput>, 'reader' | 'readToEnd'>;
  readonly keepLeftovers: boolean;
  /** Whether the program found the disk full when it printed. */
  readonly lostOutput: () => boolean;
  /** Tells what Redis may have forgotten of the run; answers its session. */
  readonly tellBefore: () => Promise<string | undefined>;
  readonly left: AbortSignal;
  readonly logger: Logger;
}

/** A worker that was confirmed as the owner this recently (ms) has not been paused since, and is still the owner. */
const JUST_CONFIRMED_MS = 100;
/** How long the caller of a kill waits at most for further facts in the output (ms). */
const READ_WITHIN_MS = 1_000;

/** Decides how a program that is over has ended, and records it with all output. May be done again if it throws. */
export async function finish(given: Finish, exitCode: number | undefined): Promise<Over> {
  const { runs, own, ending, shipping, keepLeftovers, left, logger } = given;
  const agoMs = sinceExit(given.spool, exitCode);
  // A worker that was replaced while it was paused must not even clean up: the processes belong to another worker by now.
  const isOurs = performance.now() - own.confirmedAt < JUST_CONFIRMED_MS;
  if (!isOurs && (await runs.get(own.id))?.epoch !== own.epoch) return { kind: 'left' };
  if (isCutOff(ending.why())) shipping.hurry();
  await ending.done();
  if (!ending.why() && !keepLeftovers) await ending.endLeftovers();
  await given.stdout.readToEnd(ending.why() && READ_WITHIN_MS);
  let spentAt = runs.interruptions();
  const outcome = await outcomeFor(given, exitCode);
  const because = refusalFor(given, outcome);
  if (because) {
    if (keepLeftovers) await ending.endLeftovers(); // they would be taken for the next attempt
    await shipping.drain();
    return { kind: 'refused', because };
  }
  // The rest of the spool stays for a moment: a Redis that crashes may forget this end, and then it is read again.
  removeInputs(given.spool);
  const tellBefore = async () => {
    const interruptions = runs.interruptions();
    if (interruptions !== spentAt) await ownFindings(given); // what the session has taken
    spentAt = interruptions;
    return given.tellBefore();
  };
  const recorded = await recordEnd({ runs, own, shipping, ending: outcome, agoMs, tellBefore, left, logger });
  if (!recorded) return { kind: 'left' };
  if (runs.interruptions() !== recorded.interruptions) await tellBefore(); // of the session the end says less
  if (isForRoom(ending.why())) emptyOutput(given.spool); // now, and not when the spool goes
  logger.info({ state: recorded.state, exitCode, failure: outcome.failure?.kind }, 'the run has ended');
  return { kind: 'ended', ...recorded, ...omitUndefined({ failure: outcome.failure, usage: outcome.usage }) };
}

/** How long ago the wrapper wrote down the exit status (ms): the program may have ended while no worker looked. */
function sinceExit(spool: Spool, exitCode: number | undefined): () => number {
  const writtenAt = exitCode === undefined ? exitedAt(spool) : lastSaidAt(spool);
  const now = Date.now();
  const before = now - (writtenAt ?? now);
  const asked = performance.now();
  return () => before + performance.now() - asked;
}

function ownFindings({ runs, runner, own, stdout, left, logger }: Finish): Promise<Findings> {
  return withOwnUsage({ runs, runner, runId: own.id, left, logger }, stdout.reader.finish());
}

async function outcomeFor(given: Finish, exitCode: number | undefined): Promise<Ending> {
  const { runner, spool, meta, ending, stdout } = given;
  const endedBy = ending.why();
  return outcomeOf({
    exitCode,
    findings: await ownFindings(given),
    unreadable: stdout.reader.unreadable(),
    resultTold: runner.output.format !== 'text',
    terminal: runner.output.format !== 'text' && runner.output.terminal === true,
    lastWords: lastWords(spool.stderr, meta.attempt?.from.err),
    limits: meta,
    lostOutput: given.lostOutput(),
    ...(runner.failureKind && { failureKind: runner.failureKind }),
    ...(endedBy && { endedBy }),
  });
}

function refusalFor({ meta, ending, stdout }: Finish, outcome: Ending): Failure | undefined {
  const { attempts = 1, attempt } = meta;
  return refusalOf({
    ending: outcome,
    endedBy: ending.why(),
    worked: stdout.reader.worked(),
    attempt: attempt?.number ?? 1,
    attempts,
  });
}

export interface RecordEnd {
  readonly runs: Pick<RunStore, 'end' | 'interruptions'>;
  readonly own: Ownership;
  readonly shipping: Pick<Shipping, 'drain' | 'shipped' | 'goOnFrom'>;
  readonly ending: Ending;
  /** How long ago the program ended (ms), asked when the end is told. */
  readonly agoMs?: () => number;
  /** Tells what Redis may have forgotten of the run, before its end; answers its session. */
  readonly tellBefore: () => Promise<string | undefined>;
  /** We have let go of the run. */
  readonly left: AbortSignal;
  readonly logger: Logger;
}

/**
 * Ships the rest of the output and records the end, which Redis takes only when it has every byte: one that crashed
 * meanwhile may have forgotten the last ones. Answers how the run has ended; undefined when it is not ours any more.
 */
export async function recordEnd(given: RecordEnd): Promise<RecordedEnd | undefined> {
  const { runs, own, shipping, ending, agoMs = () => 0, tellBefore, left, logger } = given;
  for (;;) {
    await shipping.drain();
    let interruptions = 0;
    const ended = await again(
      async () => {
        interruptions = runs.interruptions(); // not after the answer: what follows the record may meet another master
        const sessionId = await tellBefore();
        const told = { ...ending, ...omitUndefined({ sessionId }), agoMs: agoMs() };
        return runs.end(own.id, own.epoch, told, shipping.shipped());
      },
      left,
      (error) => logger.warn({ err: error }, 'Redis refused the end of the run; it is told again'),
    );
    if (!ended) return undefined;
    const { state, missing } = ended;
    if (!missing) return state && isEnded(state) ? { state, interruptions } : undefined;
    logger.info({ missing }, 'Redis has less output than it had confirmed; it is sent again');
    shipping.goOnFrom(missing);
  }
}
