import { isDeeperThan } from '../nesting.js';
import { plainText } from '../plain-text.js';
import { createValueScanner } from './value-scanner.js';

/** What a text holds: JSON values, what stands around them, and the beginning of a value that may go on in the next line. */
export interface Found {
  /** Objects and arrays, in their order. */
  readonly values: readonly unknown[];
  /** What stands before, between and after them. */
  readonly text: string;
  /** The beginning of a value that is not closed; the scanner has been fed with it. */
  readonly unclosed?: { readonly text: string; readonly scanner: ReturnType<typeof createValueScanner> };
  /** Something in it looks like a message and cannot be read. */
  readonly unreadable: boolean;
}

/**
 * The JSON objects and arrays in a line, or in lines: foreign programs print escape sequences and words of a log around
 * them. An array that is not closed may go on in the next line, or what stands in it counts by itself.
 */
export function valuesIn(text: string, openArrays: 'go on' | 'look inside' = 'go on'): Found {
  const whole = parsed(text);
  if (whole) return { values: [whole], text: '', unreadable: false };
  if (!MAY_HOLD_VALUE.test(text)) return { values: [], text, unreadable: false };
  return valuesAmongWords(cleaned(text), openArrays);
}

const MAY_HOLD_VALUE = /[{[]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: without any of them there is nothing to clean
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

/** A line without what only steers a terminal; a carriage return, after which a line is written over, divides it. */
export const cleaned = (text: string) => (CONTROLS.test(text) ? plainText(text.replaceAll('\r', '\n')) : text);

/** Whether an object or array begins at the very left of a line: what lies within one that has several lines is indented. */
export const beginsValue = (cleanLine: string) => /^[{[]/.test(cleanLine.slice(cleanLine.lastIndexOf('\n') + 1));

function valuesAmongWords(text: string, openArrays: 'go on' | 'look inside'): Found {
  const values: unknown[] = [];
  let unreadable = false;
  let beside = '';
  let rest = 0;
  for (let from = nextStart(text, 0); from >= 0; from = nextStart(text, from)) {
    const scanner = createValueScanner();
    const scanned = scanner.feed(text, from);
    const isOpen = scanned !== 'broken' && scanned.state === 'open';
    if (isOpen && (openArrays === 'go on' || text[from] === '{')) {
      const unclosed = { text: text.slice(from), scanner };
      return { values, text: (beside + text.slice(rest)).trim(), unclosed, unreadable };
    }
    const end = scanned !== 'broken' && scanned.state === 'closed' ? scanned.end : undefined;
    const value = parsed(text.slice(from, end ?? from));
    if (value === undefined || end === undefined) {
      // `{x}` is a word of a log; `{"a" 1}` is not.
      unreadable ||= /^\{\s*"/.test(text.slice(from, from + 32));
      from += 1;
      continue;
    }
    values.push(value);
    beside += text.slice(rest, from);
    rest = end;
    from = end;
  }
  return { values, text: (beside + text.slice(rest)).trim(), unreadable };
}

/** Where the next object may begin; an array only at the left, since `[` stands in many lines of text. */
function nextStart(text: string, from: number): number {
  const list = from === 0 ? /(?:^|\n)\[(?=\s*(?:[{["\d\]-]|$))/.exec(text) : null;
  const object = text.indexOf('{', from);
  if (!list) return object;
  const at = list.index + list[0].length - 1;
  return object < 0 || at < object ? at : object;
}

/** A whole JSON object or array; undefined for anything else, and for one that is too deep. */
function parsed(text: string): object | undefined {
  if (!WHOLE_VALUE.test(text)) return undefined; // an error costs a hundred times this question
  try {
    const value = JSON.parse(text) as object;
    return mayBeTooDeep(text) && isDeeperThan(value, DEEPEST) ? undefined : value;
  } catch {
    return undefined;
  }
}
const WHOLE_VALUE = /^\s*[{[].*[}\]]\s*$/s;

/** No real message is nested this deep, and anything deeper cannot be serialized again: the stack is not large enough. */
const DEEPEST = 500;

/** Cheaply, as each message is asked: it takes as many beginnings. */
function mayBeTooDeep(text: string): boolean {
  if (text.length <= 2 * DEEPEST) return false;
  let begun = 0;
  for (const _ of text.matchAll(/[{[]/g)) {
    begun += 1;
    if (begun > DEEPEST) return true;
  }
  return false;
}
