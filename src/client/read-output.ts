import { UserError } from '../shared/errors.js';
import { beginningOf, textOf } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import {
  BEGINNING,
  isCursorOf,
  type Position,
  parseCursor,
  positionAfter,
  type ReadCursor,
} from '../shared/run-store/output.js';
import type { OutputPage, OutputQuery } from '../shared/run-store/read-output.js';
import { createWaker } from '../shared/run-store/wait.js';
import type { Caller } from './caller.js';
import { findRun, runById, visibleRuns, type WhichRun } from './find-run.js';
import { describePart, type PartOfRun } from './part-of-run.js';
import { patiently } from './patiently.js';
import { startReporting } from './report-progress.js';

/** Where reading begins: at a cursor, after a time, or near the end; without any of them at the beginning. */
export interface OutputStart {
  /** `nextCursor` of an earlier answer: goes on exactly there. */
  readonly cursor?: string | undefined;
  /** Only output that came strictly after this time (ms since the epoch, by the clock of Redis). */
  readonly sinceTimestamp?: number | undefined;
  /** Only the last so many lines. */
  readonly tail?: number | undefined;
  /** Only the last so many bytes; with `tail`, whichever is less. */
  readonly tailBytes?: number | undefined;
}

/** What is wanted of the output of a run. */
export interface OutputRequest extends OutputStart {
  readonly stream: 'both' | 'stdout' | 'stderr';
  /** No more than this (bytes). */
  readonly maxBytes: number;
  /** Keep the escape sequences of terminals. */
  readonly ansi: boolean;
  /** base64 brings binary output through exactly. */
  readonly encoding: 'utf8' | 'base64';
  /** Where there is nothing new, wait so long for it (ms). */
  readonly waitMs: number;
  /** After the first that comes, gather for so long (ms), or until the part is full; by default not at all. */
  readonly gatherMs?: number;
}

/** Both streams from the beginning on as text, as far as one answer carries it, without waiting. */
export const WHOLE_OUTPUT = {
  stream: 'both',
  maxBytes: 32_768,
  ansi: false,
  encoding: 'utf8',
  waitMs: 0,
} as const satisfies OutputRequest;

/** A part of the output of a run. */
export interface RunOutput extends PartOfRun {
  readonly runId: string;
  readonly output: string;
}

/**
 * Clients of MCP hang up on a message of more than 10 MB, and an answer carries its text twice, escaped: as JSON a
 * page has no more characters than this. Output full of control characters makes smaller pages.
 */
const LARGEST_PAGE_CHARS = 3_000_000;

/** A lost notification costs this much (ms). */
const LOOK_AGAIN_MS = 5_000;

/** Reads a part of the output of a run; while it waits, outages of Redis are ridden out. Throws a UserError for what there is not, and for starts that exclude each other. */
export async function readOutput(caller: Caller, which: WhichRun, request: OutputRequest): Promise<RunOutput> {
  const { pool } = caller;
  const { tail, tailBytes, stream, maxBytes, ansi, encoding, waitMs, gatherMs = 0 } = request;
  const isEnd = asksForEnd(request);
  const deadline = performance.now() + waitMs;
  const { id } = await patiently(caller, () => findRun(caller, which), deadline);
  const from = await startOf(caller, id, request);
  const query: OutputQuery = {
    from,
    maxBytes,
    wholeEscapes: encoding === 'utf8',
    ...(stream !== 'both' && { stream }),
  };
  const encode = (bytes: Buffer) => (encoding === 'base64' ? bytes.toString('base64') : textOf(bytes, ansi));
  const readUpTo = (most: number) =>
    isEnd
      ? readTail(pool, id, Math.min(tailBytes ?? most, most), query, tail)
      : readOnce(pool, id, { ...query, maxBytes: most });
  const found = ({ run, page }: Reading): Found => {
    if (isEnded(run.state) || page.hasMore || page.bytes.length >= maxBytes) return 'all';
    return page.bytes.length > 0 ? 'some' : 'nothing';
  };
  const { run, page } = await readOrWait(caller, id, () => readFitting(readUpTo, maxBytes, encode), found, {
    waitMs: Math.max(0, deadline - performance.now()),
    gatherMs,
  });
  const part = await describePart(caller, { run, page, isEnd, stream: query.stream }, deadline);
  return { runId: id, output: encode(page.bytes), ...part };
}

interface Reading {
  readonly run: Run;
  readonly page: OutputPage;
}

/** Whether only the end is wanted, in lines or in bytes. */
export const asksForEnd = ({ tail, tailBytes }: OutputStart) => tail !== undefined || tailBytes !== undefined;

/** The position that a start means. Throws a UserError where several are given, or the cursor is not one of this run. */
export async function startOf(caller: Caller, runId: string, start: OutputStart): Promise<Position> {
  const { cursor, sinceTimestamp } = start;
  if ([cursor, sinceTimestamp, asksForEnd(start) || undefined].filter((value) => value !== undefined).length > 1)
    throw new UserError(
      'invalid_argument',
      'cursor, sinceTimestamp and tail (or tailBytes) exclude each other',
      'Give one of them, or none for the beginning.',
    );
  if (sinceTimestamp !== undefined) return positionAfter(sinceTimestamp);
  if (cursor === undefined) return BEGINNING;
  const read = parseCursor(cursor);
  if (read && isCursorOf(read, runId)) return read.position;
  const shown = JSON.stringify(beginningOf(cursor, 100));
  const hint = 'Give nextCursor of an earlier answer about this run, unchanged.';
  if (!read) throw new UserError('invalid_argument', `${shown} is not a cursor`, hint, 'cursor');
  const owner = await ownerOf(caller, read);
  throw new UserError(
    'invalid_argument',
    `${shown} belongs to ${owner ? `run ${owner}` : 'another run'}, not to ${runId}`,
    owner ? `Ask for run ${owner}, or ${hint.charAt(0).toLowerCase()}${hint.slice(1)}` : hint,
    'cursor',
  );
}

/** The run of a cursor, where the caller may see it and there is but one that it can be. */
async function ownerOf(caller: Caller, { run = '' }: ReadCursor): Promise<string | undefined> {
  const [first, second] = await visibleRuns(caller, run);
  return second ? undefined : first?.id;
}

/** Reads again, and less, when what was read is too long as JSON. */
async function readFitting(
  read: (maxBytes: number) => Promise<Reading>,
  maxBytes: number,
  encode: (bytes: Buffer) => string,
): Promise<Reading> {
  const reading = await read(maxBytes);
  const { length } = reading.page.bytes;
  const small = length * 6 <= LARGEST_PAGE_CHARS; // the worst that escaping can do
  if (small || JSON.stringify(encode(reading.page.bytes)).length <= LARGEST_PAGE_CHARS) return reading;
  return readFitting(read, Math.floor(length / 3), encode);
}

/** The record first: when it says that the run has ended, all of its output is there already. */
async function readOnce(pool: Pool, id: string, query: OutputQuery): Promise<Reading> {
  const run = await runById(pool, id);
  return { run, page: await pool.runs.output(id, { ...query, final: isEnded(run.state) }) };
}

async function readTail(
  pool: Pool,
  id: string,
  bytes: number,
  { stream }: OutputQuery,
  lines: number | undefined,
): Promise<Reading> {
  const run = await runById(pool, id);
  return { run, page: await pool.runs.tail(id, bytes, stream, lines) };
}

/** What a reading has found: all that one answer carries, some of it, or nothing yet. */
export type Found = 'all' | 'some' | 'nothing';

/** While it gathers, a reader looks so often (ms). */
const GATHER_STEP_MS = 200;

/**
 * Reads, and where nothing is there reads again with each news of the run, until the time is up; where some is there, it
 * gathers what else comes within its time. Outages of Redis are ridden out.
 */
export async function readOrWait<Read>(
  caller: Caller,
  id: string,
  read: () => Promise<Read>,
  found: (read: Read) => Found,
  { waitMs, gatherMs = 0 }: Pick<OutputRequest, 'waitMs' | 'gatherMs'>,
): Promise<Read> {
  const { pool, signal } = caller;
  if (waitMs === 0) return read();
  const deadline = performance.now() + waitMs;
  let enough = deadline; // sooner, from when there is something
  let gathering = false;
  const waker = createWaker(signal);
  const stopListening = await pool.runs.onNotification(id, (message) => {
    if (!gathering || message !== 'output') waker.wake();
  });
  let reporting: { stop(): void } | undefined;
  try {
    for (;;) {
      const reading = await patiently(caller, read, deadline);
      const so = found(reading);
      if (so === 'some' && !gathering) {
        gathering = true;
        enough = Math.min(deadline, performance.now() + gatherMs);
      }
      const left = enough - performance.now();
      if (so === 'all' || left <= 0 || signal?.aborted) return reading;
      reporting ??= startReporting(caller, [id]);
      await waker.next(Math.min(left, gathering ? GATHER_STEP_MS : LOOK_AGAIN_MS));
    }
  } finally {
    reporting?.stop();
    stopListening();
    waker.stop();
  }
}
