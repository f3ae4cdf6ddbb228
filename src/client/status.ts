import { omitUndefined } from '../shared/omit-undefined.js';
import { textOf } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import type { Run } from '../shared/run.js';
import type { Caller } from './caller.js';
import { findRun, type WhichRun } from './find-run.js';
import { type RunView, viewOf } from './run-view.js';
import { goneOf } from './what-is-gone.js';
import { type RunActivity, whatWasDone } from './what-was-done.js';
import { workerFactsFor } from './worker-facts.js';

/** Everything that is known about a run now. */
export interface RunStatus extends RunView {
  readonly result?: string;
  /** What it has done so far; absent for programs that print text. */
  readonly activity?: RunActivity;
  /** The end of the output as text; empty where there is a result that says it. */
  readonly outputTail: string;
  /** The setting that let go of what is not kept any more. */
  readonly droppedBy?: string;
  /** From 1; absent once a worker has it. */
  readonly queuePosition?: number;
}

/** By default this much of the end of what is text is shown (bytes). */
const TAIL_BYTES = 2_048;

/**
 * Tells all about a run, and what it has done. With `tailBytes`, its output ends with so many bytes as they are; 0 does not
 * look at the output at all. Throws a UserError when there is no such run.
 */
export async function statusOf(caller: Caller, which: WhichRun, tailBytes?: number): Promise<RunStatus> {
  const { pool } = caller;
  const run = await findRun(caller, which);
  const asked = pool.runs.result(run.id);
  const hasResult = async () => (await asked) !== undefined;
  const [result, output, queuePosition, factsOf, [promptLine], gone] = await Promise.all([
    asked,
    outputOf(pool, run, tailBytes, hasResult),
    run.state === 'queued' ? pool.queues.position(run.id, run.queue) : undefined,
    workerFactsFor(pool, [run]),
    pool.runs.promptLines([run.id]),
    goneOf(run, () => pool.runs.firstKeptAt(run.id)),
  ]);
  return {
    ...viewOf(run),
    ...factsOf(run),
    ...output,
    ...gone,
    ...omitUndefined({ promptLine, result, queuePosition }),
  };
}

async function outputOf(pool: Pool, run: Run, tailBytes: number | undefined, hasResult: () => Promise<boolean>) {
  if (tailBytes === 0) return { outputTail: '' };
  const { activity, end } = await whatWasDone(pool, run, { tailBytes: TAIL_BYTES, hasResult });
  const tail = tailBytes === undefined ? undefined : await pool.runs.tail(run.id, tailBytes, undefined);
  return { outputTail: tail ? textOf(tail.bytes, false) : end, ...omitUndefined({ activity }) };
}
