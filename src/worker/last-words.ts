import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const LAST_WORDS_BYTES = 2_048;

/** The end of a file, for the message of a failure that says no more; empty when there is no such file. */
export function lastWords(file: string): string {
  if (!existsSync(file)) return '';
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    const buffer = Buffer.alloc(Math.min(size, LAST_WORDS_BYTES));
    readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString().trim();
  } finally {
    closeSync(handle);
  }
}
