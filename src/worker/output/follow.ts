import { closeSync, fstatSync, readSync } from 'node:fs';
import { openOwn } from '../spool/own-files.js';

const NOTHING = Buffer.alloc(0);
/** How much of what was read last is compared with the file: another text there means that the file was emptied (bytes). */
const KNOWN_BYTES = 64;

/** Where to begin: an offset in the output, and the one that the first byte of the file has. */
export interface Begin {
  readonly at: number;
  readonly base?: number;
}

/**
 * Reads a growing file, without ever holding more than one chunk of it. Offsets are those of the output as a whole: when
 * its program empties the file (`echo x > /dev/stderr` does), reading goes on with what is written then, and `lost` counts
 * what nobody has read.
 */
export function followFile(path: string, { at, base: from = 0 }: Begin, onRewound: (base: number) => void = () => {}) {
  let base = from;
  let position = Math.max(0, at - base);
  let lost = Math.max(0, base - at);
  let seen = 0;
  let known = NOTHING;
  let file: number | undefined;

  /** The file begins anew: with the offset after everything that is known to have been in it. */
  const rewind = () => {
    const gone = Math.max(0, seen - position);
    base += position + gone;
    lost += gone;
    position = 0;
    known = NOTHING;
    onRewound(base);
  };
  const readAt = (handle: number, from: number, length: number, into?: Buffer) => {
    const buffer = into && into.length >= length ? into : Buffer.allocUnsafe(length);
    return buffer.subarray(0, readSync(handle, buffer, 0, length, from));
  };
  const isAnother = (handle: number, size: number) =>
    size < position || (known.length > 0 && !readAt(handle, position - known.length, known.length).equals(known));

  return {
    /** Of the next byte. */
    get offset() {
      return base + position;
    },
    /** How many bytes right before `offset` nobody has read. */
    get lost() {
      return lost;
    },
    /**
     * The bytes that have come since, at most `most` of them, in `into` where that is given; the offset moves only with
     * `advance`.
     */
    peek(most: number, into?: Buffer): Buffer {
      file ??= openOwn(path);
      if (file === undefined) return NOTHING; // somebody removed it: there is nothing more to come
      let { size } = fstatSync(file);
      if (size !== seen && isAnother(file, size)) {
        rewind();
        size = fstatSync(file).size;
      }
      seen = size;
      const there = Math.min(most, size - position); // a buffer for nothing costs more than this question
      return there <= 0 ? NOTHING : readAt(file, position, there, into);
    },
    /** How much there is to read (bytes), as it was at the last look. */
    get waiting() {
      return Math.max(0, seen - position);
    },
    /** These bytes, the first ones of what was read, are taken. */
    advance(taken: Buffer): void {
      position += taken.length;
      if (taken.length > 0) known = Buffer.from(taken.subarray(-KNOWN_BYTES));
      lost = 0;
    },
    /** Leaves out what comes next; it counts as lost. */
    skip(bytes: number): void {
      position += bytes;
      lost += bytes;
      known = NOTHING;
    },
    /** Goes on elsewhere: Redis knows better how far it got. What was in a file that was emptied is lost. */
    seek(to: number): void {
      if (to === base + position) {
        lost = 0;
        return;
      }
      position = Math.max(0, to - base);
      lost = Math.max(0, base - to);
      known = NOTHING;
    },
    close(): void {
      const open = file;
      file = undefined;
      try {
        if (open !== undefined) closeSync(open);
      } catch {} // nothing was written that could be lost
    },
  };
}
export type Follower = ReturnType<typeof followFile>;
