import { setMaxListeners } from 'node:events';
import { UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { beginningOf } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import type { Failure, Run } from '../shared/run.js';
import { isEnded, type RunState } from '../shared/run-state.js';
import type { Caller } from './caller.js';
import { findRun, type WhichRun } from './find-run.js';
import { patiently } from './patiently.js';
import { startReporting } from './report-progress.js';
import { isStuck, waitingForAll } from './waiting-for.js';
import { type RunActivity, whatWasDone } from './what-was-done.js';
import { type WorkerFacts, workerFactsFor } from './worker-facts.js';

/** How much of the end of the output is shown (bytes). */
const TAIL_BYTES = 2_048;
/** What the results of several runs may have together (characters): an answer with all of them must reach its client. */
const RESULTS_CHARS = 256 * 1024;
const OUTPUTS_BYTES = 32 * 1024;

/** A run that was waited for, as callers see it. */
export interface WaitedView extends WorkerFacts {
  readonly runId: string;
  readonly agentName: string;
  readonly status: RunState;
  readonly exitCode?: number;
  readonly failure?: Failure;
  readonly result?: string;
  /** The result is longer. */
  readonly resultCut?: true;
  /** What it has done so far; absent for programs that print text. */
  readonly activity?: RunActivity;
  /** The end of the output as text; empty where there is a result that says it. */
  readonly output: string;
  /** Where reading the output goes on after this end. */
  readonly nextCursor: string;
}

/** Whether nothing can change any more. */
export const allEnded = (runs: readonly Run[]) => runs.every(({ state }) => isEnded(state));
const anyEnded = (runs: readonly Run[]) => runs.some(({ state }) => isEnded(state));

/**
 * Waits until `enough` holds, the time is up or the caller gives up; answers the runs as they are then, in order. With
 * `givesUp`, also ends after 10 s in which nobody could start any of them.
 */
export async function waitForRuns(
  caller: Caller,
  targets: readonly Run[],
  enough: (runs: readonly Run[]) => boolean,
  timeoutMs: number,
  givesUp = false,
): Promise<Run[]> {
  if (enough(targets)) return [...targets];
  const { pool, signal } = caller;
  const over = new AbortController();
  const latest = new Map(targets.map((run) => [run.id, run]));
  const runs = () => targets.map((run) => latest.get(run.id) ?? run);
  const reporting = startReporting(caller, [...latest.keys()]);
  const stuck = givesUp ? startGivingUp(pool, runs, () => over.abort()) : undefined;
  const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  setMaxListeners(0, either); // one for each run
  try {
    await Promise.all(
      [...latest.keys()].map(async (id) => {
        const until = (run: Run) => {
          latest.set(id, run);
          return isEnded(run.state);
        };
        await pool.runs.wait(id, until, { timeoutMs, signal: either, wakesOn: isEnded });
        if (enough(runs())) over.abort();
      }),
    );
  } finally {
    reporting.stop();
    stuck?.stop();
  }
  return runs();
}

/** What callers are shown of runs that were waited for. */
export async function waitedViews(pool: Pool, runs: readonly Run[]): Promise<WaitedView[]> {
  const factsOf = await workerFactsFor(pool, runs);
  const resultChars = Math.floor(RESULTS_CHARS / runs.length);
  const tailBytes = Math.min(TAIL_BYTES, Math.floor(OUTPUTS_BYTES / runs.length));
  return Promise.all(
    runs.map(async (run) => {
      const { id, agentName, state, exitCode, failure } = run;
      const asked = isEnded(state) || state === 'orphaned' ? pool.runs.result(id) : Promise.resolve(undefined);
      const hasResult = async () => (await asked) !== undefined;
      const looked = { tailBytes, hasResult, share: Math.min(4, runs.length) };
      const [result, { activity, end, nextCursor }] = await Promise.all([asked, whatWasDone(pool, run, looked)]);
      const resultCut = result !== undefined && result.length > resultChars ? (true as const) : undefined;
      return {
        runId: id,
        agentName,
        status: state,
        ...factsOf(run),
        ...omitUndefined({
          exitCode,
          failure,
          result: result === undefined ? undefined : beginningOf(result, resultChars),
          resultCut,
        }),
        ...omitUndefined({ activity }),
        output: end,
        nextCursor,
      };
    }),
  );
}

/** So often it is looked whether anybody can start what is waited for (ms); after two such looks it is given up. */
const STUCK_LOOK_MS = 5_000;

/** Calls back when twice in a row none of the runs that still go on could be started by anybody. */
function startGivingUp(pool: Pool, runs: () => readonly Run[], giveUp: () => void): { stop(): void } {
  let looks = 0;
  const look = async () => {
    const open = runs().filter(({ state }) => !isEnded(state));
    const waitingFor = open.every(({ state }) => state === 'queued') ? await waitingForAll(pool, open) : undefined;
    looks = waitingFor && open.every((run) => isStuck(waitingFor(run))) ? looks + 1 : 0;
    if (looks === 2) giveUp();
  };
  const timer = setInterval(() => void look().catch(() => {}), STUCK_LOOK_MS); // an outage is ridden out
  return { stop: () => clearInterval(timer) };
}

/** What became of waiting. */
export interface Waited {
  /** Decides about the answer: with `any` what ended first, else what still goes on, or went wrong. */
  readonly deciding: WaitedView;
  /** Each of them, in the order in which they were named. */
  readonly views: readonly WaitedView[];
  /** The time was up first, or the caller gave up; the runs go on. */
  readonly timedOut: boolean;
}

/**
 * Waits for a run, or for all or any of several by id, no longer than `timeoutMs`; outages of Redis are ridden out. With
 * `givesUp`, what nobody can start is not waited for. Throws a UserError for an unknown one.
 */
export async function waitFor(
  caller: Caller,
  which: WhichRun | readonly string[],
  mode: 'all' | 'any',
  timeoutMs: number,
  givesUp = false,
): Promise<Waited> {
  const { pool } = caller;
  const deadline = performance.now() + timeoutMs;
  const named = isList(which) ? which.map((runId) => ({ runId })) : [which];
  const targets = await patiently(caller, () => Promise.all(named.map((one) => findRun(caller, one))), deadline);
  const isOver = mode === 'all' ? allEnded : anyEnded;
  const runs = await waitForRuns(caller, targets, isOver, Math.max(0, deadline - performance.now()), givesUp);
  const views = await patiently(caller, () => waitedViews(pool, runs), deadline);
  const { id } = decidingRun(runs, mode);
  return { deciding: views.find(({ runId }) => runId === id) ?? fail(), views, timedOut: !isOver(runs) };
}

const isList = (which: WhichRun | readonly string[]): which is readonly string[] => Array.isArray(which);

function decidingRun(runs: readonly Run[], mode: 'all' | 'any'): Run {
  const first = runs[0] ?? fail();
  const byEnd = runs.filter(({ endedAt }) => endedAt !== undefined).sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  if (mode === 'any') return byEnd[0] ?? first;
  return runs.find(({ state }) => !isEnded(state)) ?? runs.find(({ state }) => state !== 'done') ?? first;
}

function fail(): never {
  throw new UserError('invalid_argument', 'there is no run to wait for', 'Name one.');
}
