/** How far a JSON value has come: still open, closed just before an index, or no JSON any more. */
export type Scanned = { readonly state: 'open' } | { readonly state: 'closed'; readonly end: number } | 'broken';

/** Deeper values are not messages of an agent; without a bound a hostile one could make us look at each byte for ever. */
const DEEPEST = 32;
const OPEN: Scanned = { state: 'open' };
const BLANK = /[ \t\r\n]*/y;
const PLAIN_PART = /[^"\\]*/y;
const LITERAL = /[-+.\w]+/y;

/**
 * Follows one JSON object or array over several lines, and notices with the first sign that does not fit that it is something else:
 * so a broken line holds nothing up. It checks the structure only; numbers, escapes and words are left to `JSON.parse`.
 */
export function createValueScanner() {
  /** What closes each value that is open, the innermost last. */
  const closers: string[] = [];
  let wanted: 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' = 'value';

  const close = (): void => {
    closers.pop();
    wanted = 'comma';
  };
  /** Takes one sign, or one string, or one literal; answers where the next one begins, or -1 where it does not fit. */
  function step(text: string, at: number): number {
    const sign = text[at] ?? '';
    if (sign === closers.at(-1) && wanted !== 'value' && wanted !== 'key' && wanted !== 'colon') {
      close();
      return at + 1;
    }
    if (wanted === 'colon' || wanted === 'comma') {
      if (sign !== (wanted === 'colon' ? ':' : ',')) return -1;
      wanted = wanted === 'comma' && closers.at(-1) === '}' ? 'key' : 'value';
      return at + 1;
    }
    const isKey = wanted === 'key' || wanted === 'first key';
    if (sign === '"') {
      wanted = isKey ? 'colon' : 'comma';
      return stringEnd(text, at + 1);
    }
    if (isKey) return -1;
    if (sign === '{' || sign === '[') {
      closers.push(sign === '{' ? '}' : ']');
      wanted = sign === '{' ? 'first key' : 'first value';
      return closers.length > DEEPEST ? -1 : at + 1;
    }
    wanted = 'comma';
    return endOf(LITERAL, text, at) || -1;
  }

  return {
    /** Goes on with a line, or from an index of it on. */
    feed(text: string, from = 0): Scanned {
      for (let at = endOf(BLANK, text, from); at < text.length; at = endOf(BLANK, text, at)) {
        at = step(text, at);
        if (at < 0) return 'broken';
        if (closers.length === 0) return { state: 'closed', end: at };
      }
      return OPEN;
    },
  };
}

/** Where a match at an index ends; 0 where there is no match. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : 0;
}

/** The index after the quotation mark that ends a string; -1 where the line ends before. */
function stringEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 2) {
    at = endOf(PLAIN_PART, text, at);
    if (text[at] === '"') return at + 1;
  }
  return -1;
}
