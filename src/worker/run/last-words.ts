import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const LAST_WORDS_BYTES = 2_048;

/** The end of a file from an offset on, for the message of a failure that says no more; empty when there is none. */
export function lastWords(file: string, from = 0): string {
  if (!existsSync(file)) return '';
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const buffer = Buffer.alloc(Math.max(0, Math.min(size - from, LAST_WORDS_BYTES)));
    readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString().trim();
  } finally {
    closeSync(handle);
  }
}
