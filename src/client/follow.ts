import { setTimeout as pause } from 'node:timers/promises';
import { UnreachableError } from '../shared/errors.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import type { Caller } from './caller.js';
import type { WhichRun } from './find-run.js';
import { type OutputRequest, type RunOutput, readOutput, WHOLE_OUTPUT } from './read-output.js';
import { type RunTranscript, readTranscript, type TranscriptRequest } from './read-transcript.js';

/** How long one question blocks (ms); a lost connection is noticed no later. */
const ASK_MS = 30_000;
/** Whoever follows waits for Redis, and goes on where he was (ms). */
const AGAIN_AFTER_MS = 1_000;
/** How much is read at once (bytes). */
const PART_BYTES = 262_144;

/** What is wanted of a run's output when all of it is read, part by part. */
export interface FollowRequest extends Partial<Omit<OutputRequest, 'waitMs'>> {
  /** Go on with what comes, until the run has ended or the caller gives up. */
  readonly live: boolean;
}

/** Reads the output of a run part by part. Throws a UserError when there is no such run. */
export async function* followOutput(
  caller: Caller,
  which: WhichRun,
  { live, ...asked }: FollowRequest,
): AsyncGenerator<RunOutput, void> {
  let next: OutputRequest = { ...WHOLE_OUTPUT, maxBytes: PART_BYTES, waitMs: live ? ASK_MS : 0, ...asked };
  let silentSince: number | undefined;
  while (!caller.signal?.aborted) {
    const asking = next;
    const part = await readPart(caller, live, () => readOutput(caller, which, asking));
    if (!part) continue; // Redis is away
    const isNews = part.workerSilentSince !== silentSince;
    silentSince = part.workerSilentSince;
    if (part.output !== '' || part.droppedBytes > 0 || isNews) yield part;
    if (part.isComplete || (!live && !part.hasMore)) return;
    const { sinceTimestamp: _since, tail: _tail, tailBytes: _bytes, ...rest } = next;
    next = { ...rest, cursor: part.nextCursor };
  }
}

/** What is wanted of a run's transcript when all of it is read, part by part. */
export interface FollowTranscriptRequest extends Partial<Omit<TranscriptRequest, 'waitMs' | 'most' | 'sizeOf'>> {
  /** Go on with what comes, until the run has ended or the caller gives up. */
  readonly live: boolean;
}

/** So many events are read at once, in characters of what is said in them. */
const PART_CHARS = 262_144;
const charsIn = (event: object) => JSON.stringify(event).length;

/** Reads what an agent said and did part by part. Throws a UserError when there is no such run. */
export async function* followTranscript(
  caller: Caller,
  which: WhichRun,
  { live, ...asked }: FollowTranscriptRequest,
): AsyncGenerator<RunTranscript, void> {
  const waitMs = live ? ASK_MS : 0;
  let next: TranscriptRequest = { stream: 'both', most: PART_CHARS, sizeOf: charsIn, waitMs, ...asked };
  while (!caller.signal?.aborted) {
    const asking = next;
    const part = await readPart(caller, live, () => readTranscript(caller, which, asking));
    if (!part) continue; // Redis is away
    if (part.events.length > 0 || part.droppedBytes > 0) yield part;
    if (part.isComplete || (!live && !part.hasMore)) return;
    const { sinceTimestamp: _since, tail: _tail, tailBytes: _bytes, ...rest } = next;
    next = { ...rest, cursor: part.nextCursor };
  }
}

/** Undefined when Redis was away while somebody followed live. */
async function readPart<Part>(caller: Caller, live: boolean, read: () => Promise<Part>): Promise<Part | undefined> {
  const { pool, signal, progress } = caller;
  try {
    await pool.ready();
    return await read();
  } catch (error) {
    const fault = asUnreachable(error);
    if (!live || !(fault instanceof UnreachableError)) throw error;
    progress?.(`${fault.message}; following goes on when it is back`);
    await pause(AGAIN_AFTER_MS, undefined, signal && { signal }).catch(() => {});
    return undefined;
  }
}
