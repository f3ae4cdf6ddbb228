import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import type { Position, StreamName } from '../shared/run-store/output.js';
import type { OutputPiece } from '../shared/run-store/read-output.js';
import type { Output } from '../shared/runners/runner.js';
import { createTranscript, type Excerpt, eventsOf, type TranscriptEvent } from '../shared/transcript/transcript.js';
import type { Caller } from './caller.js';
import { findRun, runById, type WhichRun } from './find-run.js';
import { describePart, type PartOfRun } from './part-of-run.js';
import { patiently } from './patiently.js';
import { asksForEnd, type Found, type OutputStart, readOrWait, startOf } from './read-output.js';

/** What is wanted of the transcript of a run. */
export interface TranscriptRequest extends OutputStart {
  readonly stream: 'both' | 'stdout' | 'stderr';
  /** Events are read until they have this size, as `sizeOf` measures it; one message is never divided. */
  readonly most: number;
  readonly sizeOf: (event: TranscriptEvent) => number;
  /** How many lines events have, for `tail`, whose first event may then have some too many; by default each is one. */
  readonly linesIn?: (events: readonly TranscriptEvent[]) => number;
  /** Where there is nothing new, wait so long for it (ms). */
  readonly waitMs: number;
  /** After the first that comes, gather for so long (ms); by default not at all. */
  readonly gatherMs?: number;
}

/** A part of the transcript of a run. */
export interface RunTranscript extends PartOfRun {
  readonly runId: string;
  readonly events: readonly TranscriptEvent[];
}

/** So much output is read at once (bytes), and, where events are small, no more than this in one call. */
const PIECE_BYTES = 64 * 1024;
const MOST_READ = 1024 * 1024;

/** How the output of a run is understood; as lines of text where its runner is not known here. */
const outputOf = (pool: Pool, { runner }: Run): Output => pool.runners.get(runner)?.output ?? { format: 'text' };

/** Whether what a run prints is better read as a transcript than as it is. */
export function hasTranscript(pool: Pool, run: Run): boolean {
  const output = outputOf(pool, run);
  return output.format !== 'text' && !output.knownInPart;
}

/** The one stream that is wanted; undefined for both. */
const onlyStream = ({ stream }: Pick<TranscriptRequest, 'stream'>) => (stream === 'both' ? undefined : stream);

/** Reads a part of what an agent said and did. Throws a UserError as `readOutput` does, and waits like it. */
export async function readTranscript(
  caller: Caller,
  which: WhichRun,
  request: TranscriptRequest,
): Promise<RunTranscript> {
  const { pool } = caller;
  const deadline = performance.now() + request.waitMs;
  const { id } = await patiently(caller, () => findRun(caller, which), deadline);
  let from = await startOf(caller, id, request);
  const isEnd = asksForEnd(request);
  const read = async () => {
    const run = await runById(pool, id);
    const part = isEnd ? await readTail(pool, run, request) : await readOn(pool, run, from, request);
    if (!isEnd && part.events.length === 0) from = part.next; // what tells nothing is not read again
    return { run, part };
  };
  const found = ({ run, part }: Awaited<ReturnType<typeof read>>): Found => {
    if (isEnded(run.state) || part.hasMore) return 'all';
    return part.events.length > 0 ? 'some' : 'nothing';
  };
  const { run, part: page } = await readOrWait(caller, id, read, found, {
    ...request,
    waitMs: Math.max(0, deadline - performance.now()),
  });
  const facts = await describePart(caller, { run, page, isEnd, stream: onlyStream(request) }, deadline);
  return { runId: id, events: page.events, ...facts };
}

interface Part {
  readonly events: readonly TranscriptEvent[];
  readonly next: Position;
  readonly hasMore: boolean;
  readonly droppedBytes: number;
  readonly lastAt?: number;
}

async function readOn(pool: Pool, run: Run, from: Position, request: TranscriptRequest): Promise<Part> {
  const final = isEnded(run.state);
  const transcript = createTranscript(outputOf(pool, run));
  const room = createRoom(request);
  const pieces: OutputPiece[] = [];
  const stream = onlyStream(request);
  let position = from;
  let droppedBytes = 0;
  let hasMore = true;
  for (let read = 0; hasMore && !room.full && (read < MOST_READ || room.excerpts.length === 0); ) {
    const page = await pool.runs.output(run.id, {
      from: position,
      maxBytes: PIECE_BYTES,
      final,
      ...omitUndefined({ stream }),
    });
    pieces.push(...page.pieces);
    for (const piece of page.pieces) room.take(transcript.take(piece));
    hasMore = page.hasMore;
    if (!hasMore && final) room.take(transcript.finish());
    read += page.bytes.length;
    droppedBytes += page.droppedBytes;
    position = page.next;
  }
  const { excerpts } = room;
  return {
    events: eventsOf(excerpts),
    next: afterAll(excerpts, pieces, from, position),
    hasMore: hasMore || room.full,
    droppedBytes,
    ...omitUndefined({ lastAt: timeOfLast(excerpts, pieces) }),
  };
}

/** Excerpts, until they have their size. */
function createRoom({ most, sizeOf }: TranscriptRequest) {
  const excerpts: Excerpt[] = [];
  let size = 0;
  let full = false;
  return {
    excerpts,
    get full() {
      return full;
    },
    take(read: readonly Excerpt[]): void {
      for (const excerpt of read) {
        const more = eventsOf([excerpt]).reduce((sum, event) => sum + sizeOf(event), 0);
        full ||= size > 0 && size + more > most;
        if (full) return;
        excerpts.push(excerpt);
        size += more;
      }
    },
  };
}

const KINDS = { stdout: 'out', stderr: 'err' } as const;

/** Where the first byte lies that was read and is in none of the excerpts. */
function afterAll(
  excerpts: readonly Excerpt[],
  pieces: readonly OutputPiece[],
  from: Position,
  read: Position,
): Position {
  const end = (stream: StreamName) => {
    const begun = pieces.find((piece) => piece.stream === stream)?.offset;
    const taken = excerpts.findLast((excerpt) => excerpt.stream === stream)?.end;
    return taken ?? (begun === undefined ? read[KINDS[stream]] : Math.max(from[KINDS[stream]], begun));
  };
  const ends = { stdout: end('stdout'), stderr: end('stderr') };
  const left = pieces.find(({ stream, offset, bytes }) => offset + bytes.length > ends[stream]);
  return { entry: left?.entry ?? read.entry, out: ends.stdout, err: ends.stderr };
}

function timeOfLast(excerpts: readonly Excerpt[], pieces: readonly OutputPiece[]): number | undefined {
  const last = excerpts.at(-1);
  return last && pieces.findLast(({ stream, offset }) => stream === last.stream && offset < last.end)?.at;
}

/** Messages have so many bytes for one that is shown, as a rule, and for a line; a tail looks at that many, and no more than `MOST_READ`. */
const BYTES_PER_SHOWN = 16;
const BYTES_PER_LINE = 4 * 1024;

async function readTail(pool: Pool, run: Run, request: TranscriptRequest): Promise<Part> {
  const { most, sizeOf, linesIn, tail = Number.POSITIVE_INFINITY, tailBytes = most } = request;
  const largest = Math.min(tailBytes, most);
  const wanted = Math.min(largest * BYTES_PER_SHOWN, tail * BYTES_PER_LINE);
  const only = onlyStream(request);
  const takenFrom = ({ events }: Pick<Part, 'events'>) => {
    const { length } = events;
    let at = length;
    for (let size = 0; at > 0; at -= 1) {
      size += sizeOf(events[at - 1] as TranscriptEvent);
      if (size > largest && at < length) break;
    }
    if (!linesIn) return Math.max(at, length - tail);
    for (let count = 1; length - count > at; count *= 2)
      if (linesIn(events.slice(length - count)) > tail) return length - count;
    return at;
  };
  let end = await endOf(pool, run, Math.min(MOST_READ, Math.max(PIECE_BYTES, wanted)), only);
  if (!end.whole && takenFrom(end) === 0) end = await endOf(pool, run, MOST_READ, only);
  const { next, hasMore, droppedBytes, lastAt } = end.page;
  return { events: end.events.slice(takenFrom(end)), next, hasMore, droppedBytes, ...omitUndefined({ lastAt }) };
}

/** What an agent said and did last, from so many bytes of its output, and whether that is all. */
export async function endOf(pool: Pool, run: Run, bytes: number, stream?: StreamName) {
  const page = await pool.runs.tail(run.id, bytes, stream);
  const transcript = createTranscript(outputOf(pool, run));
  const excerpts = page.pieces.flatMap((piece) => transcript.take(piece));
  if (isEnded(run.state)) excerpts.push(...transcript.finish());
  const whole = page.pieces.every(({ stream: name, offset }, at) => {
    const isFirst = page.pieces.findIndex((piece) => piece.stream === name) === at;
    return !isFirst || offset === 0;
  });
  // The rest of a message of which the beginning was not read.
  const isRest = !whole && excerpts[0]?.events.every(({ type }) => type === 'raw');
  return { events: eventsOf(isRest ? excerpts.slice(1) : excerpts), whole, page };
}
