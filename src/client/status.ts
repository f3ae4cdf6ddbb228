import { omitUndefined } from '../shared/omit-undefined.js';
import { textOf } from '../shared/plain-text.js';
import type { Caller } from './caller.js';
import { findRun, type WhichRun } from './find-run.js';
import { type RunView, viewOf, waitingFor } from './run-view.js';
import { workerFactsFor } from './worker-facts.js';

/** Everything that is known about a run now. */
export interface RunStatus extends RunView {
  /** The end of the output. */
  readonly outputTail: string;
  readonly result?: string;
  /** From 1; absent once a worker has it. */
  readonly queuePosition?: number;
}

/** Tells all about a run, with so much of the end of its output (bytes). Throws a UserError when there is none. */
export async function statusOf(caller: Caller, which: WhichRun, tailBytes = 2_048): Promise<RunStatus> {
  const { pool } = caller;
  const run = await findRun(caller, which);
  const [tail, result, queuePosition, turn, factsOf] = await Promise.all([
    tailBytes === 0 ? undefined : pool.runs.tail(run.id, tailBytes, undefined),
    pool.runs.result(run.id),
    run.state === 'queued' ? pool.queues.position(run.id, run.queue) : undefined,
    waitingFor(pool, run),
    workerFactsFor(pool, [run]),
  ]);
  return {
    ...viewOf(run),
    ...turn,
    ...factsOf(run),
    outputTail: tail ? textOf(tail.bytes, false) : '',
    ...omitUndefined({ result, queuePosition }),
  };
}
