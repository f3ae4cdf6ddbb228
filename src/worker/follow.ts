import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Reads a growing file from an offset on, without ever holding more than one chunk of it. */
export function followFile(path: string, from: number) {
  let offset = from;
  let file: number | undefined;
  const open = () => {
    file ??= openSync(path, 'r');
    return file;
  };
  return {
    get offset() {
      return offset;
    },
    /** The bytes that have come since, at most `most` of them; the offset moves only with `advance`. */
    peek(most: number): Buffer {
      const buffer = Buffer.allocUnsafe(most);
      const length = readSync(open(), buffer, 0, most, offset);
      return buffer.subarray(0, length);
    },
    advance(bytes: number): void {
      offset += bytes;
    },
    /** Goes on elsewhere: Redis knows better how far it got. */
    seek(to: number): void {
      offset = to;
    },
    /** How long the file is now. */
    size(): number {
      return fstatSync(open()).size;
    },
    close(): void {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
export type Follower = ReturnType<typeof followFile>;
