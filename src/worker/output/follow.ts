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
export const followFile = (path: string, begin: Begin, onRewound: (base: number) => void = () => {}): Follower =>
  new Follower(path, begin, onRewound);

export class Follower {
  readonly #path: string;
  readonly #onRewound: (base: number) => void;
  /** The offset in the output of the file's first byte. */
  #base: number;
  /** Of the next byte, in the file. */
  #position: number;
  #lost: number;
  /** The size of the file at the last look. */
  #seen = 0;
  /** What was read last. */
  #known = NOTHING;
  #file: number | undefined;

  constructor(path: string, { at, base = 0 }: Begin, onRewound: (base: number) => void) {
    this.#path = path;
    this.#onRewound = onRewound;
    this.#base = base;
    this.#position = Math.max(0, at - base);
    this.#lost = Math.max(0, base - at);
  }

  /** Of the next byte. */
  get offset(): number {
    return this.#base + this.#position;
  }

  /** How many bytes right before `offset` were not read. */
  get lost(): number {
    return this.#lost;
  }

  /** How much there is to read (bytes), as it was at the last look. */
  get waiting(): number {
    return Math.max(0, this.#seen - this.#position);
  }

  /** How much there is to read at this moment (bytes), without looking at it. */
  ahead(): number {
    return this.#file === undefined ? 0 : Math.max(0, fstatSync(this.#file).size - this.#position);
  }

  /**
   * The bytes that have come since, at most `most` of them, in `into` where that is given; the offset moves only with
   * `advance`.
   */
  peek(most: number, into?: Buffer): Buffer {
    this.#file ??= openOwn(this.#path);
    if (this.#file === undefined) return NOTHING; // somebody removed it: there is nothing more to come
    let { size } = fstatSync(this.#file);
    if (size !== this.#seen && this.#isAnother(this.#file, size)) {
      this.#rewind();
      size = fstatSync(this.#file).size;
    }
    this.#seen = size;
    const there = Math.min(most, size - this.#position); // a buffer for nothing costs more than this question
    return there <= 0 ? NOTHING : readAt(this.#file, this.#position, there, into);
  }

  /** These bytes, the first ones of what was read, are taken. */
  advance(taken: Buffer): void {
    this.#position += taken.length;
    if (taken.length > 0) this.#known = Buffer.from(taken.subarray(-KNOWN_BYTES));
    this.#lost = 0;
  }

  /** Leaves out what comes next; it counts as lost. */
  skip(bytes: number): void {
    this.#position += bytes;
    this.#lost += bytes;
    this.#known = NOTHING;
  }

  /** Goes on elsewhere: Redis knows better how far it got. What was in a file that was emptied is lost. */
  seek(to: number): void {
    if (to === this.offset) {
      this.#lost = 0;
      return;
    }
    this.#position = Math.max(0, to - this.#base);
    this.#lost = Math.max(0, this.#base - to);
    this.#known = NOTHING;
  }

  close(): void {
    const open = this.#file;
    this.#file = undefined;
    try {
      if (open !== undefined) closeSync(open);
    } catch {} // nothing was written that could be lost
  }

  #isAnother(file: number, size: number): boolean {
    const known = this.#known;
    if (size < this.#position) return true;
    return known.length > 0 && !readAt(file, this.#position - known.length, known.length).equals(known);
  }

  /** The file has been emptied: goes on at the offset after everything that is known to have been in it. */
  #rewind(): void {
    const gone = Math.max(0, this.#seen - this.#position);
    this.#base += this.#position + gone;
    this.#lost += gone;
    this.#position = 0;
    this.#known = NOTHING;
    this.#onRewound(this.#base);
  }
}

function readAt(file: number, from: number, length: number, into?: Buffer): Buffer {
  const buffer = into && into.length >= length ? into : Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, from));
}
