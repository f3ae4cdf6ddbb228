import { plainText } from '../../shared/plain-text.js';

/** What a line holds: the JSON values in it, and the beginning of one that goes on in the next line. */
export interface Values {
  readonly values: readonly unknown[];
  readonly open?: string;
  /** Something looks like a message and is none. */
  readonly unreadable: boolean;
}

/** Of words with many brackets no more are tried than this. */
const MOST_TRIES = 32;

/**
 * The JSON values in a line: foreign programs print escape sequences and words of a log before them. Only objects and
 * lists count; whatever else lies between is words.
 */
export function valuesIn(line: string): Values {
  const whole = looksWhole(line) ? parsed(line) : undefined;
  if (whole) return { values: [whole.value], unreadable: false };
  const plain = plainText(line);
  const values: unknown[] = [];
  let unreadable = false;
  let from = 0;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const start = nextStart(plain, from);
    if (start < 0) break;
    const end = endOfValue(plain, start);
    if (end === 'open' && plain[start] === '{') return { values, open: plain.slice(start), unreadable };
    const found = typeof end === 'number' ? parsed(plain.slice(start, end)) : undefined;
    if (found) values.push(found.value);
    // `[info]` and `{}` are words of a log; `{"a" 1}` is not.
    else unreadable ||= /^\{\s*"/.test(plain.slice(start, start + 32));
    from = found ? Number(end) : start + 1;
  }
  return { values, unreadable };
}

/** Whether a line may be one value and nothing else: what is none costs much to be refused by the parser. */
export const looksWhole = (line: string) => /^\s*[{[]/.test(line) && /[}\]]\s*$/.test(line.slice(-8));

/** By how much a line of a value goes deeper; undefined when it ends within a string, which no line of a value does. */
export function depthOf(line: string): number | undefined {
  let depth = 0;
  MARKS.lastIndex = 0;
  for (let mark = MARKS.exec(line); mark; mark = MARKS.exec(line)) {
    if (mark[0] === '"') {
      const end = endOfString(line, mark.index);
      if (end === undefined) return undefined;
      MARKS.lastIndex = end;
    } else depth += mark[0] === '{' || mark[0] === '[' ? 1 : -1;
  }
  return depth;
}

const MARKS = /["{}[\]]/g;

function nextStart(text: string, from: number): number {
  const object = text.indexOf('{', from);
  const list = text.indexOf('[', from);
  return object < 0 || list < 0 ? Math.max(object, list) : Math.min(object, list);
}

/** The index behind the value that begins at `start`; `open` when it may go on in the next line, else undefined. */
function endOfValue(text: string, start: number): number | 'open' | undefined {
  const marks = /["{}[\]]/g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    if (mark[0] === '"') {
      const end = endOfString(text, mark.index);
      if (end === undefined) return undefined;
      marks.lastIndex = end;
    } else {
      depth += mark[0] === '{' || mark[0] === '[' ? 1 : -1;
      if (depth === 0) return mark.index + 1;
    }
  }
  return 'open';
}

function endOfString(text: string, start: number): number | undefined {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
  return undefined;
}

/** A whole JSON text; undefined for any other. */
export function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
