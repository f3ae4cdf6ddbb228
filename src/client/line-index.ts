import type { Position, StreamName } from '../shared/run-store/output.js';
import type { OutputPiece } from '../shared/run-store/read-output.js';

/** Between two places from which lines are read, so many bytes lie at least. */
const BYTES_BETWEEN = 64 * 1024;

/** A place in the output from which its lines can be read: the first of them has this number, from 0. */
export interface Checkpoint {
  readonly line: number;
  readonly from: Position;
  /** When its first bytes came (ms of the Redis server). */
  readonly at: number;
}

/** Where the line of a stream begins that has not ended yet. */
interface OpenLine {
  readonly entry: string;
  readonly offset: number;
}

/** Whether an entry of a stream of Redis came before another. */
function isBefore(one: string, other: string): boolean {
  const [[ms = 0, seq = 0], [otherMs = 0, otherSeq = 0]] = [one, other].map((id) => id.split('-').map(Number)) as [
    number[],
    number[],
  ];
  return ms === otherMs ? seq < otherSeq : ms < otherMs;
}

/**
 * Where lines are in the output of a run, of both streams together in the order in which they ended. It is fed with all
 * pieces in turn and keeps a few numbers of them.
 */
export function createLineIndex() {
  const checkpoints: Checkpoint[] = [{ line: 0, from: { entry: '0-0', out: 0, err: 0 }, at: 0 }];
  const open: { stdout?: OpenLine | undefined; stderr?: OpenLine | undefined } = {};
  const ends = { stdout: 0, stderr: 0 };
  let lines = 0;
  let since = 0;

  const checkpoint = ({ entry, at }: OutputPiece) => {
    const begun = [open.stdout?.entry, open.stderr?.entry].filter((id) => id !== undefined);
    const first = begun.reduce((earliest, id) => (isBefore(id, earliest) ? id : earliest), entry);
    const place = (stream: StreamName) => open[stream]?.offset ?? ends[stream];
    checkpoints.push({ line: lines, from: { entry: first, out: place('stdout'), err: place('stderr') }, at });
    since = 0;
  };
  return {
    take(piece: OutputPiece): void {
      const { stream, offset, bytes, entry } = piece;
      if (since >= BYTES_BETWEEN) checkpoint(piece);
      let begin = 0;
      for (let newline = bytes.indexOf(0x0a); newline >= 0; newline = bytes.indexOf(0x0a, begin)) {
        lines += 1;
        begin = newline + 1;
        open[stream] = undefined;
      }
      if (begin < bytes.length) open[stream] ??= { entry, offset: offset + begin };
      ends[stream] = offset + bytes.length;
      since += bytes.length;
    },
    /** Lines that have ended. */
    get lines() {
      return lines;
    },
    /** The last lines of the streams, as far as they have begun and not ended. */
    get openLines() {
      return Number(open.stdout !== undefined) + Number(open.stderr !== undefined);
    },
    /** The last place from which a line can be read. */
    before: (line: number): Checkpoint =>
      checkpoints.findLast((one) => one.line <= line) ?? (checkpoints[0] as Checkpoint),
    /** The last place from which what came after a time (ms) can be read. */
    beforeTime: (at: number): Checkpoint =>
      checkpoints.findLast((one) => one.at < at) ?? (checkpoints[0] as Checkpoint),
    /** What was before a place is not kept any more: nothing is read from there again. */
    forgetUpTo(place: Checkpoint): void {
      while (checkpoints.length > 1 && checkpoints[0] !== place) checkpoints.shift();
      if (checkpoints.length > 1) checkpoints.shift();
    },
  };
}
export type LineIndex = ReturnType<typeof createLineIndex>;

/** A line of the output. */
export interface OutputLine {
  /** From 0. */
  readonly number: number;
  readonly stream: StreamName;
  /** When its end came (ms of the Redis server). */
  readonly at: number;
  /** Without its line end. */
  readonly bytes: Buffer;
}

/** Divides pieces into lines, from a place of the index on. */
export function createLineReader(place: Checkpoint) {
  const begun: Record<StreamName, { bytes: Buffer[]; at: number }> = {
    stdout: { bytes: [], at: 0 },
    stderr: { bytes: [], at: 0 },
  };
  let number = place.line;
  const lineOf = (stream: StreamName, last: Buffer, at: number): OutputLine => {
    const bytes = Buffer.concat([...begun[stream].bytes, last]);
    begun[stream].bytes = [];
    number += 1;
    return { number: number - 1, stream, at, bytes: bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes };
  };
  return {
    take({ stream, bytes, at }: OutputPiece): OutputLine[] {
      const found: OutputLine[] = [];
      let begin = 0;
      for (let newline = bytes.indexOf(0x0a); newline >= 0; newline = bytes.indexOf(0x0a, begin)) {
        found.push(lineOf(stream, bytes.subarray(begin, newline), at));
        begin = newline + 1;
      }
      if (begin < bytes.length) begun[stream].bytes.push(bytes.subarray(begin));
      begun[stream].at = at;
      return found;
    },
    /** There is nothing more: what has begun is a line, too. */
    finish: (): OutputLine[] =>
      (['stdout', 'stderr'] as const).flatMap((stream) =>
        begun[stream].bytes.length > 0 ? [lineOf(stream, Buffer.alloc(0), begun[stream].at)] : [],
      ),
  };
}
