import { statSync } from 'node:fs';
import type { Logger } from '../shared/logger.js';
import type { Lease } from '../shared/queues/leases.js';
import { type KillSignal, type Run, WORD } from '../shared/run.js';
import type { RunStore } from '../shared/run-store/open.js';
import type { Ownership } from '../shared/run-store/ownership.js';
import type { Findings, Runner } from '../shared/runners/runner.js';
import { endTree } from './end-tree.js';
import { createReader } from './findings.js';
import { followFile } from './follow.js';
import { lastWords } from './last-words.js';
import { startLimits } from './limits.js';
import { type Evidence, outcomeOf } from './outcome.js';
import { uptimeMs } from './processes.js';
import { startShipping } from './ship.js';
import { removeInputs, type Spool, type SpoolMeta } from './spool.js';
import { type Exit, watchSpool, whenGrown } from './watch-spool.js';

export interface SuperviseDeps {
  readonly runs: RunStore;
  readonly runner: Runner;
  readonly own: Ownership;
  readonly spool: Spool;
  readonly meta: SpoolMeta;
  /** How far the run's stream already is; from the record. */
  readonly from: Pick<Run, 'outBytes' | 'errBytes' | 'sessionId'>;
  /** Only where we started it ourselves. */
  readonly wrapperGone?: Promise<number | undefined>;
  readonly keepLeftovers: boolean;
  readonly rememberSession: (sessionId: string) => Promise<void>;
  readonly logger: Logger;
}

/** One run under our eyes, from the start of its program, or our taking over, to its end. */
export interface Supervision {
  readonly runId: string;
  /** The job that mirrors the run, if we hold it. */
  lease: Lease | undefined;
  /** Resolves when the run has ended, or is not ours any more. */
  readonly over: Promise<void>;
  /** Somebody may have asked for the end of the run: ends it if its record says so. */
  look(): Promise<void>;
  /** How much of the disk its output takes (bytes). */
  spoolBytes(): number;
  /** The host has no room for its spool any more. */
  endForRoom(): void;
  /** The session is known before the program says it. */
  sessionKnown(sessionId: string): void;
  /** Leaves the program alone; the spool tells the next worker everything. */
  detach(): void;
}

/** What our own limits and a hopeless program get between the first signal and SIGKILL (ms). */
const OWN_GRACE_MS = 5_000;
/** What processes get that a program left behind at its normal end (ms). */
const LEFTOVER_GRACE_MS = 1_000;
const READ_BYTES = 256 * 1024;

export function supervise(deps: SuperviseDeps, lease: Lease | undefined): Supervision {
  const { runs, runner, own, spool, meta, logger } = deps;
  const endSignal = runner.endSignal ?? 'TERM';
  let endedBy: Evidence['endedBy'];
  const endings: Promise<void>[] = [];
  let resolveOver = () => {};
  const over = new Promise<void>((resolve) => {
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
  const sessionKnown = (known: string) => {
    if (known === sessionId) return;
    sessionId = known;
    // In this order on the wire: whoever is told of the session must find it held.
    const recorded = [runs.holdSession(runner.name, known, own.id), runs.sessionKnown(own, known)];
    Promise.all([...recorded, deps.rememberSession(known)]).catch((error: unknown) =>
      logger.warn({ err: error }, 'the session id could not be recorded'),
    );
  };
  const onLearned = (learned: Findings) => {
    // It becomes an argument of a later run, and what is printed is not always of the program's own making.
    if (learned.sessionId !== undefined && WORD.test(learned.sessionId)) sessionKnown(learned.sessionId);
    if (learned.hopeless) bringToEnd('hopeless', endSignal, OWN_GRACE_MS);
  };
  const reader = createReader(runner.output, onLearned, logger);
  const stdout = followFile(spool.stdout, 0); // findings are collected anew from the start: the spool has all of it
  const readOn = () => {
    for (let bytes = stdout.peek(READ_BYTES); bytes.length > 0; bytes = stdout.peek(READ_BYTES)) {
      stdout.advance(bytes.length);
      reader.take(bytes);
    }
  };

  const limits = startLimits(meta, uptimeMs() - meta.startedUptimeMs, (which) =>
    bringToEnd(which, endSignal, OWN_GRACE_MS),
  );
  const spoolWatch = watchSpool({
    spool,
    wrapper: meta.wrapper,
    wrapperGone: deps.wrapperGone,
    onOutput: whenGrown([spool.stdout, spool.stderr], () => {
      limits.heard();
      shipping.kick();
      readOn();
    }),
    onExit: (exit) => {
      finish(exit).catch((error: unknown) => logger.error({ err: error }, 'the end of the run could not be recorded'));
    },
  });

  function bringToEnd(why: NonNullable<Evidence['endedBy']>, signal: KillSignal, graceMs: number): void {
    if (endedBy === 'kill' || (endedBy && why !== 'kill')) return; // only a kill may come on top, with its own signal
    endedBy = why;
    logger.info({ why, signal, graceMs }, 'ending the program');
    endings.push(endAll(signal, graceMs));
  }

  async function endAll(signal: KillSignal, graceMs: number): Promise<void> {
    const left = await endTree({ runId: own.id, wrapper: meta.wrapper, signal, graceMs });
    if (left.length > 0) logger.error({ left }, 'processes of the run cannot be ended');
  }

  async function finish({ code }: Exit): Promise<void> {
    limits.stop();
    readOn();
    await Promise.all(endings);
    if (!endedBy && !deps.keepLeftovers) await endAll('TERM', LEFTOVER_GRACE_MS);
    readOn();
    await shipping.drain();
    const ending = outcomeOf({
      exitCode: code,
      findings: reader.finish(),
      terminal: runner.output.format !== 'text' && runner.output.terminal === true,
      lastWords: lastWords(spool.stderr),
      limits: meta,
      ...(runner.failureKind && { failureKind: runner.failureKind }),
      ...((endedBy || (await killedEarlier(code))) && { endedBy: endedBy ?? 'kill' }),
    });
    const { changed, state } = await runs.end(own.id, own.epoch, ending);
    logger.info({ state, exitCode: code, changed, failure: ending.failure?.kind }, 'the run has ended');
    await supervision.lease
      ?.finish({ state: ending.state, ...(ending.failure && { message: ending.failure.message }) })
      .catch((error: unknown) =>
        logger.warn({ err: error }, 'the job could not be ended; the next one who sees it will'),
      );
    // The spool stays for a moment: a Redis that crashes now may forget this end, and then it is read again.
    removeInputs(spool);
    leave();
  }

  /** A worker before us was carrying out a kill when it died, and the program did not end by itself. */
  async function killedEarlier(code: number | undefined): Promise<boolean> {
    if (code !== undefined && code <= 128) return false;
    return (await runs.get(own.id))?.kill !== undefined;
  }

  function leave(): void {
    spoolWatch.stop();
    limits.stop();
    shipping.stop();
    stdout.close();
    resolveOver();
  }

  const supervision: Supervision = {
    runId: own.id,
    lease,
    over,
    sessionKnown,
    spoolBytes: () => statSync(spool.stdout).size + statSync(spool.stderr).size,
    endForRoom: () => bringToEnd('spool_quota', endSignal, OWN_GRACE_MS),
    async look() {
      const run = await runs.get(own.id);
      if (run?.state === 'orphaned') await runs.comeBack(own);
      const kill = run?.kill;
      if (kill) bringToEnd('kill', kill.signal === 'TERM' ? endSignal : kill.signal, kill.graceMs);
    },
    detach: leave,
  };
  return supervision;
}
