import type { RedisClient } from '../redis/connect.js';
import { cutAt, type Entry, entryFromFields, type Position, type StreamName } from './output.js';
import type { Shipped } from './ownership.js';

export interface OutputQuery {
  readonly from: Position;
  readonly maxBytes: number;
  /** Absent: both. */
  readonly stream?: StreamName;
  /** Do not end within an ANSI escape sequence, as long as its rest may come. */
  readonly wholeEscapes?: boolean;
  /** The run has ended: what is there is all. */
  readonly final?: boolean;
}

/** Bytes of one stream that came together. */
export interface OutputPiece {
  readonly stream: StreamName;
  /** Of its first byte in its stream. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** The entry that it is from, and the Redis time (ms) of that. */
  readonly entry: string;
  readonly at: number;
}

export interface OutputPage {
  readonly bytes: Buffer;
  /** The same bytes, in the order in which they came. */
  readonly pieces: readonly OutputPiece[];
  readonly next: Position;
  /** There is more to read right now. */
  readonly hasMore: boolean;
  /** Bytes between `from` and `next` that had been dropped from Redis before they were read. */
  readonly droppedBytes: number;
  /** The Redis time (ms) of the last entry that was looked at. */
  readonly lastAt?: number;
}

/** Entries of other streams may lie between the wanted ones; one call looks at no more than this many bytes of them. */
const MOST_SCANNED = 4 * 1024 * 1024;
const FIRST_PAGE = 8;
const LARGEST_PAGE = 256;

/** Reads entries of a run's stream, oldest first, from `from` on (inclusive, or exclusive with a leading parenthesis). */
export async function readEntries(redis: RedisClient, key: string, from: string, count: number): Promise<Entry[]> {
  const rows = (await redis.xrangeBuffer(key, from, '+', 'COUNT', count)) as [Buffer, Buffer[]][];
  return rows.map(([id, fields]) => entryFromFields(id, fields));
}

/**
 * Reads output from a position on. The cost depends on what is returned: entries are found by id, pages grow with the
 * room that is left.
 */
export async function readOutput(
  redis: RedisClient,
  keys: { readonly run: string; readonly events: string },
  query: OutputQuery,
): Promise<OutputPage> {
  const page = new Collector(query);
  // Sent first: what the record counts is in the stream when that is read, or was dropped.
  const counts = redis.hmget(keys.run, 'out', 'err');
  let from = query.from.entry;
  for (let count = FIRST_PAGE; ; count = page.nextCount(count)) {
    const [entries, [out, err]] = await Promise.all([readEntries(redis, keys.events, from, count), counts]);
    for (const entry of entries) if (!page.add(entry)) return page.close(true);
    const last = entries.at(-1);
    if (!last || entries.length < count) {
      page.countMissing({ out: Number(out ?? 0), err: Number(err ?? 0) });
      return page.close(false);
    }
    if (page.scanned > MOST_SCANNED) return page.close(true);
    from = `(${last.id}`;
  }
}

const timeOf = (entry: string) => Number(entry.slice(0, entry.indexOf('-')));

/** A piece of an entry, from this offset in its stream on. */
export function pieceOf(kind: 'out' | 'err', entry: string, offset: number, bytes: Buffer): OutputPiece {
  return { stream: kind === 'out' ? 'stdout' : 'stderr', offset, bytes, entry, at: timeOf(entry) };
}

/** Collects pieces of entries up to a size, keeping the exact position of the next byte. */
class Collector {
  scanned = 0;
  readonly #query: OutputQuery;
  readonly #pieces: { bytes: Buffer; readonly kind: 'out' | 'err'; readonly entry: string; readonly offset: number }[] =
    [];
  #size = 0;
  #dropped = 0;
  #position: Position;
  #lastAt: number | undefined;

  constructor(query: OutputQuery) {
    this.#query = query;
    this.#position = query.from;
  }

  /** A count of entries for the next page: as many as fit at the average size so far. */
  nextCount(count: number): number {
    const average = Math.max(64, this.scanned / Math.max(1, count));
    const fitting = Math.ceil((this.#query.maxBytes - this.#size) / average);
    return Math.max(FIRST_PAGE, Math.min(LARGEST_PAGE, fitting, count * 4));
  }

  /** Takes what fits of an entry; false when there is no more room. */
  add(entry: Entry): boolean {
    const { kind, id } = entry;
    if (kind === 'state') {
      this.#see(id);
      return true;
    }
    this.scanned += entry.bytes.length;
    const known = this.#position[kind];
    const skip = known < 0 ? 0 : Math.max(0, known - entry.offset);
    const rest = entry.bytes.subarray(skip);
    const wanted = this.#wants(kind);
    const take = wanted ? this.#fitting(rest) : rest.length;
    if (take === 0 && rest.length > 0) return false;
    if (wanted && known >= 0) this.#dropped += Math.max(0, entry.offset - known);
    if (wanted && take > 0) {
      this.#pieces.push({ bytes: rest.subarray(0, take), kind, entry: id, offset: entry.offset + skip });
      this.#size += take;
    }
    this.#position = { ...this.#position, [kind]: Math.max(known, entry.offset + skip + take) };
    this.#see(id);
    return take === rest.length;
  }

  /** At the end of the stream: what is missing to so many bytes was dropped, and nothing after it tells that. */
  countMissing(printed: Shipped): void {
    for (const kind of ['out', 'err'] as const) {
      const known = this.#position[kind];
      if (known < 0 || known >= printed[kind]) continue;
      if (this.#wants(kind)) this.#dropped += printed[kind] - known;
      this.#position = { ...this.#position, [kind]: printed[kind] };
    }
  }

  close(hasMore: boolean): OutputPage {
    if (this.#query.wholeEscapes && (hasMore || !this.#query.final)) this.#giveBackPartialEscape(hasMore);
    return {
      bytes: Buffer.concat(this.#pieces.map(({ bytes }) => bytes)),
      pieces: this.#pieces.map(({ bytes, kind, entry, offset }) => pieceOf(kind, entry, offset, bytes)),
      next: this.#position,
      hasMore,
      droppedBytes: this.#dropped,
      ...(this.#lastAt !== undefined && { lastAt: this.#lastAt }),
    };
  }

  #wants(kind: 'out' | 'err'): boolean {
    return this.#query.stream === undefined || this.#query.stream === (kind === 'out' ? 'stdout' : 'stderr');
  }

  #see(id: string): void {
    this.#position = { ...this.#position, entry: id };
    this.#lastAt = timeOf(id);
  }

  #fitting(rest: Buffer): number {
    const room = this.#query.maxBytes - this.#size;
    if (rest.length <= room) return rest.length;
    if (room <= 0) return 0;
    const line = rest.lastIndexOf(0x0a, room - 1) + 1;
    if (line > 0) return line;
    const last = this.#pieces.at(-1)?.bytes;
    if (last?.at(-1) === 0x0a) return 0; // what is there ends with a line already
    const cut = cutAt(rest, room);
    return cut > room && last ? 0 : cut;
  }

  /** Back to the entry where the escape began, too: other entries may have been seen since. */
  #giveBackPartialEscape(hasMore: boolean): void {
    const pieces = this.#pieces;
    const kind = pieces.at(-1)?.kind;
    const sameStream = pieces.slice(pieces.findLastIndex((piece) => piece.kind !== kind) + 1);
    let rest = partialEscape(Buffer.concat(sameStream.map(({ bytes }) => bytes)));
    if (rest === this.#size && hasMore) return; // a reader has to get on
    for (let piece = pieces.at(-1); rest > 0 && piece; piece = pieces.at(-1)) {
      const given = Math.min(rest, piece.bytes.length);
      const left = this.#position[piece.kind] - given;
      this.#position = { ...this.#position, entry: piece.entry, [piece.kind]: left };
      piece.bytes = piece.bytes.subarray(0, piece.bytes.length - given);
      rest -= given;
      if (rest > 0) pieces.pop();
    }
  }
}

/** Longer sequences are not waited for (bytes): links and titles of windows may be long, pictures are longer. */
const LONGEST_ESCAPE = 1_024;
// A carriage return may be half of a line end. CSI: parameters, then one final byte. OSC: ends with BEL or ST, which is
// ESC \. Others: intermediates, then one byte.
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are made of them
const PARTIAL_ESCAPE = /\r$|\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)$/;

/** The length of an ANSI escape sequence that has begun at the end of the bytes and is not finished; mostly 0. */
export function partialEscape(bytes: Buffer): number {
  const end = bytes.subarray(-LONGEST_ESCAPE).toString('latin1');
  const at = end.search(PARTIAL_ESCAPE);
  return at < 0 ? 0 : end.length - at;
}
