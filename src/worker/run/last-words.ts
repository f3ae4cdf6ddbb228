import { closeSync, fstatSync, readSync } from 'node:fs';
import { openOwn } from '../spool/own-files.js';

const LAST_WORDS_BYTES = 2_048;

/** The end of a file from an offset on, for the message of a failure that says no more; empty when it says nothing. */
export function lastWords(file: string, from = 0): string {
  const handle = openOwn(file);
  if (handle === undefined) return '';
  try {
    const { size } = fstatSync(handle);
    const begin = from > size ? 0 : from; // its program has emptied it since
    const buffer = Buffer.alloc(Math.min(size - begin, LAST_WORDS_BYTES));
    readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString().trim();
  } finally {
    closeSync(handle);
  }
}
