import type { Lease } from '../../shared/queues/leases.js';
import { type Failure, type KillSignal, WORD } from '../../shared/run.js';
import type { Findings } from '../../shared/runners/runner.js';
import { again } from '../again.js';
import { createReader } from '../output/findings.js';
import { followFile } from '../output/follow.js';
import { startShipping } from '../output/ship.js';
import { endTree } from '../process/end-tree.js';
import { isAlive, uptimeMs } from '../process/processes.js';
import { readEnding, removeInputs, writeEnding } from '../spool/spool.js';
import { type Exit, watchSpool, whenGrown } from '../spool/watch-spool.js';
import { refusalOf } from './attempts.js';
import { lastWords } from './last-words.js';
import { startLimits } from './limits.js';
import { type EndedBy, outcomeOf } from './outcome.js';
import { recordEnd } from './record-end.js';
import { withOwnUsage } from './session-usage.js';
import type { SuperviseDeps, Supervision } from './supervision.js';

/** What our own limits and a hopeless program get between the first signal and SIGKILL (ms). */
const OWN_GRACE_MS = 5_000;
/** The same where room on the disk is at stake (ms). */
const ROOM_GRACE_MS = 1_000;
/** What processes get that a program left behind at its normal end (ms). */
const LEFTOVER_GRACE_MS = 1_000;
const READ_BYTES = 256 * 1024;
const NO_LIMITS = { timeoutMs: Number.POSITIVE_INFINITY, silenceTimeoutMs: 0 };

/** Watches over a program until its run has ended, or is not ours any more. */
export function supervise(deps: SuperviseDeps, lease: Lease | undefined): Supervision {
  const { runs, runner, own, spool, meta, logger } = deps;
  const endSignal = runner.endSignal ?? 'TERM';
  let endedBy: EndedBy | undefined;
  let exited = false;
  const left = new AbortController();
  const endings: Promise<void>[] = [];
  let resolveOver = (_: Failure | undefined) => {};
  const over = new Promise<Failure | undefined>((resolve) => {
    resolveOver = resolve;
  });

  const shipping = startShipping({
    spool,
    from: { out: deps.from.outBytes, err: deps.from.errBytes },
    append: async (chunks) => {
      const answer = await runs.append(own, chunks);
      // Refused: another owner, or we were silent for so long that we were taken for dead.
      return answer.code >= 0 || !(await runs.comeBack(own)).changed ? answer : runs.append(own, chunks);
    },
    onFenced: () => {
      logger.warn('the run has another owner now');
      leave();
    },
    logger,
  });

  let sessionId = deps.from.sessionId;
  // In this order on the wire: whoever is told of the session must find it held.
  const recordSession = (id: string) =>
    Promise.all([runs.holdSession(runner.name, id, own.id), runs.sessionKnown(own, id), deps.rememberSession(id)]);
  const sessionKnown = (known: string) => {
    if (known === sessionId) return;
    sessionId = known;
    recordSession(known).catch((error: unknown) => logger.warn({ err: error }, 'the session id could not be recorded'));
  };
  const onLearned = (learned: Findings) => {
    // It becomes an argument of a later run, and what is printed is not always of the program's own making.
    if (learned.sessionId !== undefined && WORD.test(learned.sessionId)) sessionKnown(learned.sessionId);
    if (learned.hopeless) bringToEnd('hopeless', endSignal, OWN_GRACE_MS);
  };
  const reader = createReader(runner.output, onLearned, logger);
  // Findings are collected anew from the start of the try: the spool has all of it.
  const stdout = followFile(spool.stdout, meta.attempt?.from.out ?? 0);
  const readOn = () => {
    for (let bytes = stdout.peek(READ_BYTES); bytes.length > 0; bytes = stdout.peek(READ_BYTES)) {
      stdout.advance(bytes.length);
      reader.take(bytes);
    }
  };

  // Its end, if it has ended already, is its own: the limits are for those who live.
  const lives = deps.wrapperGone !== undefined || (meta.wrapper !== undefined && isAlive(meta.wrapper));
  const before = readEnding(spool);
  if (before) goOnEnding(before as EndedBy);
  const limits = startLimits(lives ? meta : NO_LIMITS, lives ? uptimeMs() - meta.startedUptimeMs : 0, (which) =>
    bringToEnd(which, endSignal, OWN_GRACE_MS),
  );
  const spoolWatch = watchSpool({
    spool,
    wrapper: meta.wrapper,
    wrapperGone: deps.wrapperGone,
    onOutput: whenGrown(spool, () => {
      limits.heard();
      shipping.kick();
      readOn();
    }),
    onExit: (exit) => {
      finish(exit).catch((error: unknown) => logger.error({ err: error }, 'the end of the run could not be recorded'));
    },
  });

  function bringToEnd(why: EndedBy, signal: KillSignal, graceMs: number): void {
    if (exited || endedBy === 'kill' || (endedBy && why !== 'kill')) return; // only a kill may come on top
    endedBy = why;
    writeEnding(spool, why);
    logger.info({ why, signal, graceMs }, 'ending the program');
    endings.push(endAll(signal, graceMs));
  }

  /** A worker before us was ending the program when it died: we go on with that. */
  function goOnEnding(why: EndedBy): void {
    const { signal = endSignal, graceMs = OWN_GRACE_MS } = (why === 'kill' && deps.from.kill) || {};
    if (lives) bringToEnd(why, signal, graceMs);
    else endedBy = why;
  }

  async function endAll(signal: KillSignal, graceMs: number): Promise<void> {
    const left = await endTree({ runId: own.id, wrapper: meta.wrapper, signal, graceMs });
    if (left.length > 0) logger.error({ left }, 'processes of the run cannot be ended');
  }

  async function finish({ code, refused }: Exit): Promise<void> {
    exited = true;
    limits.stop();
    if (refused || !(await isOurs())) return leave();
    await Promise.all(endings);
    if (!endedBy && !deps.keepLeftovers) await endAll('TERM', LEFTOVER_GRACE_MS);
    readOn();
    const ending = outcomeOf({
      exitCode: code,
      findings: await withOwnUsage({ runs, runner, runId: own.id, left: left.signal, logger }, reader.finish()),
      terminal: runner.output.format !== 'text' && runner.output.terminal === true,
      lastWords: lastWords(spool.stderr, meta.attempt?.from.err),
      limits: meta,
      ...(runner.failureKind && { failureKind: runner.failureKind }),
      ...(endedBy && { endedBy }),
      lostOutput: deps.lostOutput(),
    });
    const { attempts = 1, attempt: { number: attempt } = { number: 1 } } = meta;
    const refusal = refusalOf({ ending, endedBy, worked: reader.worked(), attempt, attempts });
    if (refusal) {
      if (deps.keepLeftovers) await endAll('TERM', LEFTOVER_GRACE_MS); // they would be taken for the next try
      await shipping.drain();
      return leave(refusal);
    }
    // The rest of the spool stays for a moment: a Redis that crashes may forget this end, and then it is read again.
    removeInputs(spool);
    const state = await recordEnd({ runs, own, shipping, ending, left: left.signal, logger });
    if (!state) return leave();
    logger.info({ state, exitCode: code, failure: ending.failure?.kind }, 'the run has ended');
    await supervision.lease
      ?.finish({ state, ...(ending.failure && { message: ending.failure.message }) })
      .catch((error: unknown) =>
        logger.warn({ err: error }, 'the job could not be ended; the next one who sees it will'),
      );
    leave();
  }

  /** Whoever has been replaced while it was paused must not even clear up: the processes are another one's by now. */
  async function isOurs(): Promise<boolean> {
    const run = await again(
      () => runs.get(own.id),
      left.signal,
      (error) => logger.warn({ err: error }, 'Redis does not say whose the run is; asking again'),
    );
    return run?.epoch === own.epoch;
  }

  function leave(refusal?: Failure): void {
    left.abort();
    spoolWatch.stop();
    limits.stop();
    shipping.stop();
    stdout.close();
    resolveOver(refusal);
  }

  const supervision: Supervision = {
    runId: own.id,
    lease,
    over,
    sessionKnown,
    hasSession: () => sessionId !== undefined,
    endForRoom: (why) => bringToEnd(why, endSignal, ROOM_GRACE_MS),
    async reconcile() {
      const run = await runs.get(own.id);
      if (left.signal.aborted || exited) return;
      if (run?.epoch !== own.epoch) return leave(); // replaced, or a Redis that crashed has forgotten our claim
      if (run.state === 'orphaned') await runs.comeBack(own);
      if (run.kill) bringToEnd('kill', run.kill.signal === 'TERM' ? endSignal : run.kill.signal, run.kill.graceMs);
      shipping.compare({ out: run.outBytes, err: run.errBytes });
      await deps.tellAgain(run);
      if (sessionId !== undefined && run.sessionId !== sessionId) await recordSession(sessionId);
    },
    detach: () => leave(),
  };
  return supervision;
}
