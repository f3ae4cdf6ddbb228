import { plainText } from '../plain-text.js';
import { createValueScanner } from './value-scanner.js';

/**
 * One message in a stream of output: its bytes from `offset` to `end`, line ends included. Every byte of a stream is in
 * exactly one frame.
 */
export interface Frame {
  readonly offset: number;
  readonly end: number;
  /** The JSON objects and arrays in it: mostly one, none in a line of text. */
  readonly values: readonly unknown[];
  /** What else stands in it, without its line end. */
  readonly text: string;
}

export interface FramingOptions {
  /** `json`: objects are looked for, in lines and over lines; `text`: each line is one message. */
  readonly format: 'json' | 'text';
  /** A longer line is divided, and a longer JSON value is lines of text (bytes). */
  readonly longest: number;
  /** Where in its stream the first byte lies. */
  readonly offset?: number;
}

/** A whole line, with its line end where it has one. */
interface Line {
  readonly length: number;
  readonly text: string;
}

/**
 * Divides the bytes of an agent's output into messages, whatever pieces they come in. It is lenient where programs are
 * careless: escape sequences of terminals, progress before a message, a value over several lines, two on one line.
 */
export function createFraming({ format, longest, offset = 0 }: FramingOptions) {
  let frames: Frame[] = [];
  let pieces: Buffer[] = [];
  let size = 0;
  /** The lines of a JSON value that is not closed yet, and what follows it. */
  let open: Line[] = [];
  let openSize = 0;
  let scanner: ReturnType<typeof createValueScanner> | undefined;
  let at = offset;

  const emit = (length: number, text: string, values: readonly unknown[] = []) => {
    frames.push({ offset: at, end: at + length, values, text });
    at += length;
  };
  const forget = () => {
    open = [];
    openSize = 0;
    scanner = undefined;
  };
  /** It was no value, so it is lines. None but the first could have begun one, so none is looked at twice. */
  const giveUp = () => {
    const lines = open;
    forget();
    for (const line of lines) takeLine(line, false);
  };
  const goOn = (line: Line): void => {
    const text = cleaned(line.text);
    const scanned = beginsValue(text) ? 'broken' : scanner?.feed(text);
    if (!scanned || scanned === 'broken' || openSize + line.length > longest) {
      giveUp();
      takeLine(line);
      return;
    }
    open.push(line);
    openSize += line.length;
    if (scanned.state === 'closed') close();
  };
  const close = () => {
    const found = findValues(open.map(({ text }) => cleaned(text)).join('\n'));
    if (found.values.length > 0) {
      emit(openSize, found.text, found.values);
      forget();
    } else giveUp();
  };
  const takeLine = (line: Line, mayOpen = true): void => {
    if (scanner) {
      goOn(line);
      return;
    }
    const whole = format === 'json' ? parsed(line.text) : undefined;
    const text = format === 'json' && !whole && MAY_HOLD_VALUE.test(line.text) ? cleaned(line.text) : '';
    const found: Found = whole ? { values: [whole], text: '' } : findValues(text);
    if (found.values.length > 0) emit(line.length, found.text, found.values);
    else if (mayOpen && found.unclosed && beginsValue(text)) {
      open = [line];
      openSize = line.length;
      scanner = found.unclosed;
    } else emit(line.length, line.text);
  };
  const keep = (bytes: Buffer) => {
    if (bytes.length > 0) pieces.push(bytes);
    size += bytes.length;
  };
  const flush = () => {
    if (size === 0) return;
    const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    const line = { length: size, text: bytes.toString().replace(/\r?\n$/, '') };
    pieces = [];
    size = 0;
    takeLine(line);
  };
  const taken = () => {
    const done = frames;
    frames = [];
    return done;
  };

  return {
    /** Takes the next bytes of the stream; answers the messages that are whole now. */
    take(bytes: Buffer): Frame[] {
      for (let from = 0; from < bytes.length; ) {
        const room = from + longest - size;
        const newline = bytes.indexOf(0x0a, from);
        const whole = newline >= 0 && newline < room;
        const to = whole ? newline + 1 : Math.min(bytes.length, room);
        keep(bytes.subarray(from, to));
        if (whole || size >= longest) flush();
        from = to;
      }
      return taken();
    },
    /** There are no more bytes: what is left is a message, too. */
    finish(): Frame[] {
      flush();
      giveUp();
      return taken();
    },
    /** Where the first byte lies that is in no frame yet. */
    get offset() {
      return at;
    },
  };
}

interface Found {
  readonly values: readonly unknown[];
  /** What stands before, between and after them. */
  readonly text: string;
  /** A value begins that the text does not close; it has been fed with its beginning. */
  readonly unclosed?: ReturnType<typeof createValueScanner>;
}

const MAY_HOLD_VALUE = /[{[]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: without any of them there is nothing to clean
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

/** A line without what only steers a terminal; a carriage return, after which a line is written over, divides it. */
const cleaned = (text: string) => (CONTROLS.test(text) ? plainText(text.replaceAll('\r', '\n')) : text);

/** Whether an object or array begins at the very left: what lies within one that has several lines is indented. */
const beginsValue = (text: string) => /^[{[]/.test(text.slice(text.lastIndexOf('\n') + 1));

/** The JSON objects and arrays in a text that is more than one of them. */
function findValues(text: string): Found {
  const values: unknown[] = [];
  let beside = '';
  let rest = 0;
  for (let from = nextStart(text, 0); from >= 0; from = nextStart(text, from)) {
    const scanner = createValueScanner();
    const scanned = scanner.feed(text, from);
    if (scanned !== 'broken' && scanned.state === 'open')
      return { values, text: (beside + text.slice(rest)).trim(), unclosed: scanner };
    const value = scanned === 'broken' ? undefined : parsed(text.slice(from, scanned.end));
    if (value === undefined || scanned === 'broken') {
      from += 1;
      continue;
    }
    values.push(value);
    beside += text.slice(rest, from);
    rest = scanned.end;
    from = rest;
  }
  return { values, text: (beside + text.slice(rest)).trim() };
}

/** Where the next object may begin; an array only at the left, since `[` stands in many lines of text. */
function nextStart(text: string, from: number): number {
  const list = from === 0 ? /(?:^|\n)\[(?=\s*(?:[{["\d\]-]|$))/.exec(text) : null;
  const object = text.indexOf('{', from);
  if (!list) return object;
  const at = list.index + list[0].length - 1;
  return object < 0 || at < object ? at : object;
}

/** A whole JSON object or array; undefined for anything else. */
function parsed(text: string): object | undefined {
  if (!WHOLE_VALUE.test(text)) return undefined; // an error costs a hundred times this question
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
const WHOLE_VALUE = /^\s*[{[].*[}\]]\s*$/s;
