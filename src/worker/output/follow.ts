import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { codeOf } from '../../shared/errors.js';

const NOTHING = Buffer.alloc(0);

/** Reads a growing file from an offset on, without ever holding more than one chunk of it. */
export function followFile(path: string, from: number) {
  let offset = from;
  let file: number | undefined;
  const open = () => {
    try {
      file ??= openSync(path, 'r');
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error; // somebody removed it: there is nothing more to come
    }
    return file;
  };
  return {
    get offset() {
      return offset;
    },
    /** The bytes that have come since, at most `most` of them; the offset moves only with `advance`. */
    peek(most: number): Buffer {
      const file = open();
      if (file === undefined) return NOTHING;
      const there = Math.min(most, fstatSync(file).size - offset); // a buffer for nothing costs more than this question
      if (there <= 0) return NOTHING;
      const buffer = Buffer.allocUnsafe(there);
      return buffer.subarray(0, readSync(file, buffer, 0, there, offset));
    },
    advance(bytes: number): void {
      offset += bytes;
    },
    /** Goes on elsewhere: Redis knows better how far it got. */
    seek(to: number): void {
      offset = to;
    },
    close(): void {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
export type Follower = ReturnType<typeof followFile>;
