import { omitUndefined } from '../shared/omit-undefined.js';
import type { Run } from '../shared/run.js';
import type { RunState } from '../shared/run-state.js';
import { cursorOf, type Position, type StreamName } from '../shared/run-store/output.js';
import type { Caller } from './caller.js';
import { patiently } from './patiently.js';
import { type Dropped, whatWasDropped, withWhatIsGone } from './what-is-gone.js';
import { type WorkerFacts, workerFactsFor } from './worker-facts.js';

/** What is said about a part of a run's output, whether it is read as bytes or as a transcript. */
export interface PartOfRun extends WorkerFacts, Dropped {
  readonly status: RunState;
  /** The run has ended and this is the end of its output. */
  readonly isComplete: boolean;
  /** A place in the bytes of the output: `readOutput` and `readTranscript` both go on there. */
  readonly nextCursor: string;
  /** There is more to read right now. */
  readonly hasMore: boolean;
  /** Bytes before this part that were dropped before they were read here. */
  readonly droppedBytes: number;
  /** When the last output in this part came (ms since the epoch). */
  readonly lastTimestamp?: number;
}

interface Read {
  readonly run: Run;
  readonly page: {
    readonly next: Position;
    readonly hasMore: boolean;
    readonly droppedBytes: number;
    readonly lastAt?: number;
  };
  /** The one stream that was read; undefined for both. */
  readonly stream: StreamName | undefined;
  /** Only the end was asked for. */
  readonly isEnd: boolean;
}

/** Says where a part lies and what is missing from it. Retries while Redis is away, until a time of `performance.now()`. */
export async function describePart(
  caller: Caller,
  { run, page, isEnd, stream }: Read,
  deadline: number,
): Promise<PartOfRun> {
  const { pool } = caller;
  const { page: whole, complete } = withWhatIsGone(run, page, stream, isEnd);
  const factsOf = await patiently(caller, () => workerFactsFor(pool, [run]), deadline);
  const firstKeptAt = () => patiently(caller, () => pool.runs.firstKeptAt(run.id), deadline);
  return {
    status: run.state,
    ...factsOf(run),
    isComplete: complete,
    nextCursor: cursorOf(whole.next, run.id),
    hasMore: whole.hasMore,
    droppedBytes: whole.droppedBytes,
    ...(await whatWasDropped(run, whole.droppedBytes, firstKeptAt)),
    ...omitUndefined({ lastTimestamp: whole.lastAt }),
  };
}
