/** A line of a stream: its bytes, line end included where it has one, and its text without it. */
export interface Line {
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

export interface LinesOptions {
  /** Of a line, in bytes. */
  readonly longest: number;
  /** What becomes of a longer one. */
  readonly overlong: 'divide' | 'leave out';
  /** Where in its stream the first byte lies. */
  readonly offset: number;
  /** Whether lines without `{` and `[` may be passed over unseen just now; never, if absent. */
  readonly mayPass?: () => boolean;
}

const NEWLINE = 0x0a;

/** Divides bytes into lines, in whatever pieces they come. It keeps none of the buffers that it is given. */
export function createLines(onLine: (line: Line) => void, options: LinesOptions) {
  const { longest, overlong, mayPass } = options;
  /** Where the next line begins. */
  let at = options.offset;
  let pieces: Buffer[] = [];
  /** Of the line that has begun, with what is not kept of it. */
  let size = 0;

  const keep = (bytes: Buffer) => {
    size += bytes.length;
    if (size <= longest) pieces.push(bytes);
    else pieces = [];
  };
  const flush = () => {
    const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    const line = { offset: at, length: size, text: bytes.toString().replace(/\r?\n$/, '') };
    at += size;
    pieces = [];
    size = 0;
    if (line.length <= longest) onLine(line);
  };

  return {
    take(bytes: Buffer): void {
      const bracket = nextBracket(bytes);
      for (let from = 0; from < bytes.length; ) {
        if (size === 0 && mayPass?.()) {
          const lastOfPassed = bytes.lastIndexOf(NEWLINE, Math.min(bracket(from), bytes.length - 1));
          if (lastOfPassed >= from) {
            at += lastOfPassed + 1 - from;
            from = lastOfPassed + 1;
            continue;
          }
        }
        const newline = bytes.indexOf(NEWLINE, from);
        const end = newline < 0 ? bytes.length : newline + 1;
        const to = overlong === 'divide' ? Math.min(end, from + longest - size) : end;
        const isWhole = (newline >= 0 && to === end) || (overlong === 'divide' && size + to - from >= longest);
        keep(isWhole ? bytes.subarray(from, to) : Buffer.from(bytes.subarray(from, to)));
        if (isWhole) flush();
        from = to;
      }
    },
    /** There are no more bytes: what is left is a line, too. */
    finish(): void {
      if (size > 0) flush();
    },
  };
}

/** The next place from which on a value may begin; each byte is looked at once. */
function nextBracket(bytes: Buffer): (from: number) => number {
  const next = new Map([
    [0x7b, -1], // {
    [0x5b, -1], // [
  ]);
  return (from) => {
    for (const [mark, at] of next)
      if (at < from) {
        const found = bytes.indexOf(mark, from);
        next.set(mark, found < 0 ? Number.POSITIVE_INFINITY : found);
      }
    return Math.min(...next.values());
  };
}
