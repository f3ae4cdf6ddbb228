import { beginsValue, cleaned, valuesIn } from './json-values.js';
import { createLines, type Line } from './lines.js';
import type { createValueScanner } from './value-scanner.js';

/**
 * One message in a stream of output: its bytes from `offset` to `end`, line ends included. Every byte of a stream is in
 * exactly one frame, unless only messages are asked for.
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
  /**
   * `json-lines`: objects are looked for, in lines and over lines, and one at the very left ends what is open; `json`: the
   * same for a single value, of which any line may be a part; `text`: each line is one message.
   */
  readonly format: 'json-lines' | 'json' | 'text';
  /** A longer line is divided, and a longer JSON value is lines of text (bytes). */
  readonly longest: number;
  /** Where in its stream the first byte lies. */
  readonly offset?: number;
  /**
   * What is not a message is left out: text around JSON, and lines that are too long. Then no cursor depends on where frames
   * begin, so a value over several lines may begin behind other words.
   */
  readonly onlyMessages?: boolean;
}

/**
 * Divides the bytes of an agent's output into messages, whatever pieces they come in. It is lenient where programs are
 * careless: escape sequences of terminals, progress before a message, a value over several lines, two on one line.
 */
export function createFraming(options: FramingOptions) {
  const { format, longest, offset = 0, onlyMessages = false } = options;
  let frames: Frame[] = [];
  let at = offset;
  const emit: Emit = (first, length, text, values) => {
    at = first.offset + length;
    frames.push({ offset: first.offset, end: at, values, text });
  };
  const messages =
    format === 'text'
      ? { ...NEVER_OPEN, take: (line: Line) => emit(line, line.length, line.text, []) }
      : createJsonMessages({ isOneValue: format === 'json', longest, onlyMessages }, emit);
  const overlong = onlyMessages ? 'leave out' : 'divide';
  const mayPass = () => onlyMessages && format !== 'text' && !messages.isOpen();
  const lines = createLines(messages.take, { longest, overlong, offset, mayPass });
  const taken = () => {
    const done = frames;
    frames = [];
    return done;
  };

  return {
    /** Takes the next bytes of the stream; answers the messages that are whole now. */
    take(bytes: Buffer): Frame[] {
      lines.take(bytes);
      return taken();
    },
    /** There are no more bytes: what is left is a message, too. */
    finish(): Frame[] {
      lines.finish();
      messages.giveUp();
      return taken();
    },
    /** Where the first byte lies that is in no frame yet. */
    get offset() {
      return at;
    },
    /** How many parts looked like messages and could not be read. */
    unreadable: messages.unreadable,
  };
}

type Emit = (first: Line, length: number, text: string, values: readonly unknown[]) => void;

/** A line of text is a message at once. */
const NEVER_OPEN = { isOpen: () => false, giveUp: () => {}, unreadable: () => 0 };

/** A JSON object or array that is not closed yet. */
interface OpenValue {
  readonly lines: Line[];
  /** What each of the lines adds to it. */
  readonly texts: string[];
  readonly scanner: ReturnType<typeof createValueScanner>;
  size: number;
}

/** Finds the messages in lines: JSON values, each in one line or over several. */
function createJsonMessages(
  { isOneValue, longest, onlyMessages }: { isOneValue: boolean; longest: number; onlyMessages: boolean },
  emit: Emit,
) {
  let open: OpenValue | undefined;
  let unreadable = 0;

  function takeNext(value: OpenValue, line: Line): void {
    const text = cleaned(line.text);
    const isAnother = !isOneValue && beginsValue(text);
    const state = isAnother ? 'broken' : goOn(value, line, text, longest);
    if (state === 'closed') close(value);
    if (state !== 'broken') return;
    giveUp();
    takeFirst(line);
  }
  function takeFirst(line: Line, mayOpen = true): void {
    const { values, text, unclosed, ...found } = valuesIn(line.text, onlyMessages ? 'look inside' : 'go on');
    if (found.unreadable) unreadable += 1;
    if (values.length > 0) emit(line, line.length, text, values);
    const opens = onlyMessages || (values.length === 0 && beginsValue(cleaned(line.text)));
    if (unclosed && opens && mayOpen) {
      const begun = onlyMessages ? unclosed.text : cleaned(line.text);
      open = { lines: [line], texts: [begun], scanner: unclosed.scanner, size: line.length };
    } else if (values.length === 0 && !onlyMessages) emit(line, line.length, line.text, []);
  }
  function close(value: OpenValue): void {
    const { values, text } = valuesIn(value.texts.join('\n'));
    if (values.length > 0) {
      open = undefined;
      emit(value.lines[0] as Line, value.size, text, values);
    } else giveUp();
  }
  /** It was not a value, so it is lines. Only the first of them could have begun one, so no line is looked at twice. */
  function giveUp(): void {
    const broken = open?.lines ?? [];
    open = undefined;
    if (broken.length > 0) unreadable += 1;
    if (!onlyMessages) for (const line of broken) takeFirst(line, false);
  }

  return {
    take: (line: Line): void => (open ? takeNext(open, line) : takeFirst(line)),
    giveUp,
    isOpen: () => open !== undefined,
    unreadable: () => unreadable + (open ? 1 : 0),
  };
}

/** What the next line makes of an open value, which takes it unless it is broken. */
function goOn(value: OpenValue, line: Line, text: string, longest: number): 'open' | 'closed' | 'broken' {
  const scanned = value.scanner.feed(text);
  if (scanned === 'broken' || value.size + line.length > longest) return 'broken';
  value.lines.push(line);
  value.texts.push(text);
  value.size += line.length;
  return scanned.state;
}
