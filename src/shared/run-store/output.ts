import { createHash } from 'node:crypto';

/** Where a reader of a run's output stands: the next byte of each stream, and the entry from which on to look. */
export interface Position {
  readonly entry: string;
  /** Byte offsets; -1 where they are not known yet (a start by time). */
  readonly out: number;
  readonly err: number;
}

export const BEGINNING: Position = { entry: '0-0', out: 0, err: 0 };

/** This much of a run's id is enough to find it (characters). Ids of other forms, as of overmind, are hashed. */
const CHECK_CHARS = 9;
const checkOf = (runId: string) =>
  /^[A-Za-z][\w-]*$/.test(runId)
    ? runId.slice(0, CHECK_CHARS)
    : `h${createHash('sha256').update(runId).digest('hex')}`.slice(0, CHECK_CHARS);

/** The cursor that a client gets: opaque to it, exact for us. It names its run. */
export function cursorOf({ entry, out, err }: Position, runId: string): string {
  return `${entry}_${out}_${err}_${checkOf(runId)}`;
}

/** What a cursor says. */
export interface ReadCursor {
  readonly position: Position;
  /** The beginning of the id of its run; absent in cursors of 0.1 before they named one. */
  readonly run?: string;
}

/** Reads a cursor; undefined when it is not one of ours. */
export function parseCursor(cursor: string): ReadCursor | undefined {
  const [, entry, out, err, run] =
    /^(\d{1,16}-\d{1,10})_(-1|\d{1,15})_(-1|\d{1,15})(?:_([A-Za-z][\w-]{0,8}))?$/.exec(cursor) ?? [];
  if (entry === undefined) return undefined;
  return { position: { entry, out: Number(out), err: Number(err) }, ...(run !== undefined && { run }) };
}

/** Whether a cursor may be of this run. */
export const isCursorOf = ({ run }: ReadCursor, runId: string) => run === undefined || run === checkOf(runId);

/** The position of a reader who wants what came strictly after a time (ms of the Redis server). */
export function positionAfter(timestampMs: number): Position {
  return { entry: `${Math.floor(timestampMs) + 1}-0`, out: -1, err: -1 };
}

export type StreamName = 'stdout' | 'stderr';

/** One piece of output as it lies in the stream of a run. */
export interface Entry {
  readonly id: string;
  readonly kind: 'out' | 'err' | 'state';
  /** Offset of the first byte in its stream. */
  readonly offset: number;
  readonly bytes: Buffer;
}

/** An entry from the flat field list of XRANGE. */
export function entryFromFields(id: Buffer, fields: readonly Buffer[]): Entry {
  const kind = fields[1]?.toString();
  if (kind !== 'out' && kind !== 'err')
    return { id: id.toString(), kind: 'state', offset: 0, bytes: fields[3] ?? Buffer.alloc(0) };
  return { id: id.toString(), kind, offset: Number(fields[3]), bytes: fields[5] ?? Buffer.alloc(0) };
}

/**
 * The largest cut of `bytes` at or below `limit` that divides no UTF-8 character and, where one lies in the second half,
 * ends with a line. Answers `limit` for bytes that are no UTF-8 anyway, and for a limit below one character at least
 * that character, so that a reader always gets on.
 */
export function cutAt(bytes: Buffer, limit: number): number {
  if (bytes.length <= limit) return bytes.length;
  const line = limit > 0 ? bytes.lastIndexOf(0x0a, limit - 1) + 1 : 0;
  if (line > limit / 2) return line;
  const start = characterStart(bytes, limit);
  return start > 0 ? start : Math.min(bytes.length, characterLength(bytes[0] ?? 0));
}

/** The number of bytes of a chunk that make whole UTF-8 characters; the rest is the beginning of one. */
export function wholeCharacters(bytes: Buffer): number {
  const start = characterStart(bytes, bytes.length - 1);
  if (bytes.length === 0) return 0;
  return start + characterLength(bytes[start] ?? 0) > bytes.length ? start : bytes.length;
}

/** The index, at or below `at`, where the character that holds byte `at` begins; `at` itself in what is no UTF-8. */
function characterStart(bytes: Buffer, at: number): number {
  for (let back = 0; back < 4 && at - back >= 0; back += 1) {
    const byte = bytes[at - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    return characterLength(byte) > back ? at - back : at;
  }
  return at;
}

function characterLength(lead: number): number {
  if (lead >= 0xf0 && lead < 0xf8) return 4;
  if (lead >= 0xe0) return lead < 0xf0 ? 3 : 1;
  return lead >= 0xc0 ? 2 : 1;
}

/** The last lines of the bytes, this many; the part after the last line end counts as one. */
export function lastLines(bytes: Buffer, count: number): Buffer {
  let start = bytes.length;
  for (let lines = 0; lines < count; lines += 1) {
    if (start <= 1) return bytes;
    start = bytes.lastIndexOf(0x0a, start - 2) + 1;
    if (start === 0) return bytes;
  }
  return bytes.subarray(start);
}

const NEAR_BYTES = 8;

/** How many lines end in these bytes. */
export function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    // A call of indexOf costs more than a short line; in a long one it is faster.
    const near = Math.min(at + NEAR_BYTES, bytes.length);
    while (at < near && bytes[at] !== 0x0a) at += 1;
    if (at === near) at = bytes.indexOf(0x0a, at);
    if (at < 0) break;
    count += 1;
  }
  return count;
}
