import type { RedisClient } from '../redis/connect.js';
import { type Entry, entryFromFields, lastLines, linesIn, wholeCharacters } from './output.js';
import { type OutputPage, type OutputPiece, type OutputQuery, pieceOf } from './read-output.js';

/**
 * Most who ask want little, and an entry may have 16 KiB: pages begin small and grow. After its last output a run of which
 * little is printed has its end, and often its start.
 */
const FIRST_PAGE = 3;
const LARGEST_PAGE = 32;

/**
 * The last `size` bytes of output, and of these no more than the last `lines`; read backwards, so that the cost does not
 * depend on how much came before.
 */
export async function readTail(
  redis: RedisClient,
  key: string,
  size: number,
  stream: OutputQuery['stream'],
  lines = Number.POSITIVE_INFINITY,
): Promise<OutputPage> {
  const entries: Entry[] = [];
  let collected = 0;
  let ended = 0;
  for (let to = '+', count = FIRST_PAGE, full = true; collected < size && ended <= lines && full; ) {
    const rows = (await redis.xrevrangeBuffer(key, to, '-', 'COUNT', count)) as [Buffer, Buffer[]][];
    for (const [id, fields] of rows) {
      const entry = entryFromFields(id, fields);
      entries.unshift(entry);
      if (!isWanted(entry.kind, stream)) continue;
      collected += entry.bytes.length;
      if (lines < Number.POSITIVE_INFINITY) ended += linesIn(entry.bytes);
    }
    full = rows.length === count;
    count = Math.min(LARGEST_PAGE, count * 2);
    to = `(${entries[0]?.id ?? '0-0'}`;
  }
  const pieces = entries.flatMap(({ kind, id, offset, bytes }) =>
    kind !== 'state' && isWanted(kind, stream) ? [pieceOf(kind, id, offset, bytes)] : [],
  );
  const all = Buffer.concat(pieces.map((piece) => piece.bytes));
  const fitting = fromLineStart(all, size);
  const bytes = lines < Number.POSITIVE_INFINITY ? lastLines(fitting, lines) : fitting;
  const last = entries.at(-1);
  const end = (kind: 'out' | 'err') => {
    const final = entries.findLast((entry) => entry.kind === kind);
    return final ? final.offset + final.bytes.length : -1;
  };
  return {
    bytes,
    pieces: without(pieces, all.length - bytes.length),
    next: { entry: last?.id ?? '0-0', out: end('out'), err: end('err') },
    hasMore: false,
    droppedBytes: 0,
    ...(last && { lastAt: Number(last.id.slice(0, last.id.indexOf('-'))) }),
  };
}

/** The pieces without this many bytes at their beginning. */
function without(pieces: readonly OutputPiece[], bytes: number): OutputPiece[] {
  let rest = bytes;
  return pieces.flatMap((piece) => {
    const cut = Math.min(rest, piece.bytes.length);
    rest -= cut;
    return cut === piece.bytes.length
      ? []
      : [{ ...piece, offset: piece.offset + cut, bytes: piece.bytes.subarray(cut) }];
  });
}

function isWanted(kind: Entry['kind'], stream: OutputQuery['stream']): boolean {
  return kind !== 'state' && (stream === undefined || stream === (kind === 'out' ? 'stdout' : 'stderr'));
}

/** The end of the bytes, at most `size` of them, from the start of a line in its first half or else of a character. */
function fromLineStart(bytes: Buffer, size: number): Buffer {
  if (bytes.length <= size) return bytes;
  const start = bytes.length - size;
  const line = bytes.indexOf(0x0a, start - 1) + 1;
  if (line > 0 && line - start < size / 2) return bytes.subarray(line);
  const before = wholeCharacters(bytes.subarray(0, start));
  let from = before === start ? start : start + 1;
  while (from < bytes.length && from - start < 4 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return bytes.subarray(from);
}
