import type { Caller } from '../client/caller.js';
import { hasTranscript, type RunTranscript, readTranscript } from '../client/read-transcript.js';
import { requestOf } from '../client/rerun.js';
import { whatWasDone } from '../client/what-was-done.js';
import { workerFactsFor } from '../client/worker-facts.js';
import { UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Run } from '../shared/run.js';
import { TAIL_BYTES } from './run-page.js';
import type { RunFacts, ShownRun, ShownTranscript } from './shown-run.js';
import { createBlocks } from './transcript-blocks.js';

/** How much of a transcript is on one page (characters of its events as JSON). */
const PAGE_CHARS = 200_000;

/** Asks for what changes about a run while it goes on. */
export async function lookAtRun(caller: Caller, run: Run): Promise<RunFacts> {
  const { pool, principal } = caller;
  const [result, prompt, queuePosition, now, factsOf] = await Promise.all([
    pool.runs.result(run.id),
    promptOf(caller, run),
    run.state === 'queued' ? pool.queues.position(run.id, run.queue) : undefined,
    pool.runs.now(),
    workerFactsFor(pool, [run]),
  ]);
  const { activity } = await whatWasDone(pool, run, { tailBytes: 0, hasResult: () => true });
  return {
    run,
    worker: factsOf(run),
    principal,
    now,
    speaks: hasTranscript(pool, run),
    ...omitUndefined({ result, prompt, queuePosition, activity }),
  };
}

async function promptOf(caller: Caller, run: Run): Promise<string | undefined> {
  try {
    return (await requestOf(caller, run)).prompt;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Asks for all of the page of a run; `cursor`: where its transcript begins, `start` or that of an earlier page. */
export async function lookAtAll(caller: Caller, run: Run, cursor: string | undefined): Promise<ShownRun> {
  const [facts, tail, transcript] = await Promise.all([
    lookAtRun(caller, run),
    caller.pool.runs.tail(run.id, TAIL_BYTES, undefined),
    hasTranscript(caller.pool, run) ? transcriptOf(caller, run, cursor) : undefined,
  ]);
  return { ...facts, tail: tail.bytes, ...omitUndefined({ transcript }) };
}

const sizeOf = (event: object) => JSON.stringify(event).length;

async function transcriptOf(caller: Caller, run: Run, cursor: string | undefined): Promise<ShownTranscript> {
  const read = (start: { cursor?: string; tail?: number }) =>
    readTranscript(caller, { runId: run.id }, { stream: 'both', most: PAGE_CHARS, sizeOf, waitMs: 0, ...start });
  if (cursor !== undefined) return shown(run, await read(cursor === 'start' ? {} : { cursor }), false);
  const whole = await read({});
  return whole.hasMore ? shown(run, await read({ tail: PAGE_CHARS }), true) : shown(run, whole, false);
}

function shown(run: Run, part: RunTranscript, isTail: boolean): ShownTranscript {
  const { events, nextCursor, hasMore, droppedBytes } = part;
  return { blocks: createBlocks(run.startedAt).take(events), cursor: nextCursor, isTail, hasMore, droppedBytes };
}
