import { setImmediate as nextTurn } from 'node:timers/promises';
import { plainText, terminalText } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import { BEGINNING, type Position, type StreamName } from '../shared/run-store/output.js';
import type { Caller } from './caller.js';
import { findRun, runById, type WhichRun } from './find-run.js';
import { type Checkpoint, createLineIndex, createLineReader, type LineIndex, type OutputLine } from './line-index.js';

/** A line of output for a reader: colours and styles stay, everything else that steers a terminal goes. */
export interface ShownLine {
  /** From 1. */
  readonly number: number;
  readonly stream: StreamName;
  /** When its end came (ms of the Redis server). */
  readonly at: number;
  readonly text: string;
  /** It is longer than what is shown. */
  readonly cut?: true;
}

/** A part of the output by its lines. */
export interface OutputLines {
  readonly lines: readonly ShownLine[];
  /** How many lines there are. */
  readonly total: number;
  /** The first line that is still kept, from 1. */
  readonly firstKept: number;
  readonly status: Run['state'];
}

/** What was found in the output of a run. */
export interface FoundLines {
  readonly matches: readonly ShownLine[];
  /** Where the search goes on: after this line, from 1; absent when it has looked at all. */
  readonly next?: number;
}

/** So much is read at once (bytes); between two reads others have their turn. */
const PIECE_BYTES = 512 * 1024;
/** A longer line is cut (bytes); the download has all of it. */
const LINE_BYTES = 4_096;
const MOST_LINES = 2_000;
/** One search looks at no more than this (bytes), and finds no more than that. */
const SEARCHED_BYTES = 16 * 1024 * 1024;
const MOST_MATCHES = 200;

/** The runs whose lines were counted last, in this process. */
const MOST_INDEXES = 64;

interface Known {
  readonly index: LineIndex;
  /** Up to where it was fed. */
  next: Position;
  /** Lines before the first one that was kept when it was made. */
  before: number;
  firstKept: number;
  /** It was fed to the end. */
  isWhole: boolean;
  /** Whoever looks waits for who feeds it. */
  feeding: Promise<unknown>;
}
const indexes = new WeakMap<Pool, Map<string, Known>>();

function indexOf(pool: Pool, id: string): Known {
  const known = indexes.get(pool) ?? new Map<string, Known>();
  indexes.set(pool, known);
  const found = known.get(id) ?? {
    index: createLineIndex(),
    next: BEGINNING,
    before: 0,
    firstKept: 0,
    isWhole: false,
    feeding: Promise.resolve(),
  };
  known.delete(id);
  known.set(id, found);
  for (const oldest of known.keys()) {
    if (known.size <= MOST_INDEXES) break;
    known.delete(oldest);
  }
  return found;
}

/**
 * Counts what has come since, up to a line (from 0): where nothing changes any more, and nothing was dropped, what comes
 * after it is left for who asks for it.
 */
async function feed(pool: Pool, id: string, known: Known, upTo: number): Promise<Run> {
  const isFirst = known.next === BEGINNING;
  let dropped = 0;
  let run: Run;
  for (;;) {
    run = await runById(pool, id);
    const isSettled = isEnded(run.state) && run.droppedBytes === 0;
    if (isSettled && (known.isWhole || known.index.lines > upTo)) return run;
    const page = await pool.runs.output(id, { from: known.next, maxBytes: PIECE_BYTES, final: isEnded(run.state) });
    for (const piece of page.pieces) known.index.take(piece);
    known.next = page.next;
    dropped += page.droppedBytes;
    if (!page.hasMore) break;
    await nextTurn();
  }
  if (isFirst && dropped > 0) known.before = Math.max(0, run.lines - known.index.lines);
  known.isWhole = isEnded(run.state);
  return run;
}

/** The index of a run's output as it is now, at least up to a line (from 0). */
async function upToDate(pool: Pool, id: string, upTo: number): Promise<{ known: Known; run: Run }> {
  const known = indexOf(pool, id);
  const fed = known.feeding.catch(() => {}).then(() => feed(pool, id, known, upTo));
  known.feeding = fed;
  return { known, run: await fed };
}

/** How many lines there are; those that have begun and not ended are known when all was counted. */
function totalOf({ index, before }: Known, run: Run): number {
  return Math.max(before + index.lines + index.openLines, run.lines);
}

/** Lines from a place on; what is before it and was let go meanwhile is forgotten. */
async function* linesFrom(pool: Pool, run: Run, known: Known, line: number): AsyncGenerator<OutputLine[]> {
  const { index } = known;
  let place: Checkpoint = index.before(line);
  let reader = createLineReader(place);
  let from = place.from;
  for (let isFirst = true; ; ) {
    const page = await pool.runs.output(run.id, { from, maxBytes: PIECE_BYTES, final: isEnded(run.state) });
    if (isFirst && page.droppedBytes > 0 && place.line + place.from.out + place.from.err > 0) {
      index.forgetUpTo(place);
      const later = index.before(line);
      if (later !== place) {
        place = later;
        known.firstKept = place.line;
        reader = createLineReader(place);
        from = place.from;
        continue;
      }
    }
    isFirst = false;
    yield page.pieces.flatMap((piece) => reader.take(piece));
    if (!page.hasMore) return yield reader.finish();
    from = page.next;
    await nextTurn();
  }
}

const shown = ({ number, stream, at, bytes }: OutputLine, before: number): ShownLine => ({
  number: before + number + 1,
  stream,
  at,
  text: terminalText(bytes.subarray(0, LINE_BYTES).toString()),
  ...(bytes.length > LINE_BYTES && { cut: true as const }),
});

/** Lines of the output of a run, from a number (from 1) on. Throws a UserError when there is no such run. */
export async function readLines(
  { pool, ...caller }: Caller,
  which: WhichRun,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<OutputLines> {
  const { id } = await findRun({ pool, ...caller }, which);
  const { known, run } = await upToDate(pool, id, from - 1 + count);
  const { index, before } = known;
  const first = Math.max(0, from - 1 - before);
  const end = first + Math.min(count, MOST_LINES);
  const lines: ShownLine[] = [];
  if (count > 0 && first < index.lines + index.openLines)
    for await (const part of linesFrom(pool, run, known, first)) {
      for (const line of part) if (line.number >= first && line.number < end) lines.push(shown(line, before));
      if ((part.at(-1)?.number ?? -1) >= end - 1) break;
    }
  return { lines, total: totalOf(known, run), firstKept: before + known.firstKept + 1, status: run.state };
}

/** The number (from 1) of the first line that ended at or after a time (ms). Throws a UserError when there is no such run. */
export async function lineAtTime({ pool, ...caller }: Caller, which: WhichRun, time: number): Promise<number> {
  const { id } = await findRun({ pool, ...caller }, which);
  const { known, run } = await upToDate(pool, id, Number.POSITIVE_INFINITY);
  const { line } = known.index.beforeTime(time);
  for await (const part of linesFrom(pool, run, known, line)) {
    const found = part.find(({ at }) => at >= time);
    if (found) return known.before + found.number + 1;
  }
  return totalOf(known, run);
}

/**
 * Lines that hold a text, in any case, after a line (from 1). It looks at a part of a long output and says where to go on.
 * Throws a UserError when there is no such run.
 */
export async function searchLines(
  { pool, ...caller }: Caller,
  which: WhichRun,
  { text, after }: { readonly text: string; readonly after: number },
): Promise<FoundLines> {
  const { id } = await findRun({ pool, ...caller }, which);
  const { known, run } = await upToDate(pool, id, after);
  const { before } = known;
  const first = Math.max(0, after - before);
  const wanted = text.toLowerCase();
  const matches: ShownLine[] = [];
  let looked = 0;
  for await (const part of linesFrom(pool, run, known, first)) {
    for (const line of part) {
      if (line.number < first) continue;
      looked += line.bytes.length + 1;
      if (plainText(line.bytes.toString()).toLowerCase().includes(wanted)) matches.push(shown(line, before));
      const next = before + line.number + 1;
      if (matches.length >= MOST_MATCHES || looked > SEARCHED_BYTES) return { matches, next };
    }
  }
  return { matches };
}
