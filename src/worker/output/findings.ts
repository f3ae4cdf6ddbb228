import type { Logger } from '../../shared/logger.js';
import { endOf, plainText, shownText } from '../../shared/plain-text.js';
import type { Usage } from '../../shared/run.js';
import type { Findings, Output } from '../../shared/runners/runner.js';
import { depthOf, looksWhole, parsed, valuesIn } from './json-values.js';

/** Longer lines and values are output like any other, but nothing is looked for in them (bytes, characters). */
const LONGEST_LINE = 16 * 1024 * 1024;
/** The text of a runner without a result of its own is its result, up to here (characters, from the end). */
const TEXT_RESULT_CHARS = 64 * 1024;
/** So much of what was printed is looked at for that (bytes): progress bars print far more than they show. */
const TEXT_KEPT_BYTES = 1024 * 1024;
/** A result that comes in pieces is collected up to here (characters). */
const LONGEST_RESULT = 1024 * 1024;
/** A value that seems to go on over several lines is given up when so many messages have come meanwhile. */
const MOST_MESSAGES_WITHIN = 100;

const NEWLINE = 0x0a;

/** Collects what a CLI's stdout tells about its run, from bytes as they come; it keeps none of the buffers. */
export function createReader(output: Output, onLearned: (learned: Findings) => void, logger: Logger) {
  const found: { -readonly [Key in keyof Findings]: Findings[Key] } = {};
  const saysWork = output.format === 'text' ? undefined : output.worked;
  let complained = false;
  let worked = false;
  let messages = 0;

  const learn = (message: unknown) => {
    messages += 1;
    try {
      worked ||= saysWork?.(message) ?? false;
      const learned = output.format === 'text' ? output.read?.(String(message)) : output.read(message);
      if (!learned || Object.keys(learned).length === 0) return;
      const { resultPart, usage, ...facts } = learned;
      Object.assign(found, facts, usage && { usage: added(found.usage ?? {}, usage) });
      if (resultPart && (found.result?.length ?? 0) < LONGEST_RESULT) found.result = (found.result ?? '') + resultPart;
      onLearned(learned);
    } catch (error) {
      // A reader that trips over one line must not cost the run; the line is in the output all the same.
      if (!complained) logger.warn({ err: error }, 'the runner could not read a line of output');
      complained = true;
    }
  };
  const text = output.format === 'text' ? createTextEnd() : undefined;
  const json = createJsonReader(learn, output.format === 'json');
  const lines = text
    ? createLines(
        (line) => learn(line.endsWith('\r') ? line.slice(0, -1) : line),
        () => false,
      )
    : createLines(json.take, () => !json.isOpen());
  const readsLines = output.format !== 'text' || output.read !== undefined;

  return {
    take(bytes: Buffer): void {
      text?.keep(bytes);
      if (readsLines) lines.take(bytes);
    },
    /** Whether the output shows work so far; undefined where the runner cannot tell. */
    worked: () => (saysWork ? worked : undefined),
    /** How many parts of it looked like messages and could not be read. */
    unreadable: json.unreadable,
    /** How many messages there were so far. */
    messages: () => messages,
    /** The result, as far as it was told. */
    resultSoFar: () => found.result,
    /** What was found, once there is no more output. */
    finish(): Findings {
      lines.finish();
      const shown = text?.shown() ?? '';
      if (shown !== '' && found.result === undefined) found.result = shown;
      return found;
    },
  };
}

/** Divides bytes into lines. While `mayPass` holds, lines without a bracket are passed over unseen: no value is in them. */
function createLines(onLine: (line: string) => void, mayPass: () => boolean) {
  let pieces: Buffer[] = [];
  let size = 0;
  const keep = (bytes: Buffer) => {
    size += bytes.length;
    if (size <= LONGEST_LINE) pieces.push(Buffer.from(bytes));
    else pieces = [];
  };
  const flush = () => {
    const line = size <= LONGEST_LINE ? Buffer.concat(pieces).toString() : undefined;
    pieces = [];
    size = 0;
    if (line !== undefined) onLine(line);
  };
  return {
    take(bytes: Buffer): void {
      const next = nextBracket(bytes);
      let from = 0;
      for (let newline = bytes.indexOf(NEWLINE); newline >= 0; newline = bytes.indexOf(NEWLINE, from)) {
        if (size > 0) {
          keep(bytes.subarray(0, newline));
          flush();
        } else if (mayPass() && next(from) > newline) {
          from = bytes.lastIndexOf(NEWLINE, Math.min(next(from), bytes.length - 1)) + 1;
          continue;
        } else onLine(bytes.toString('utf8', from, newline));
        from = newline + 1;
      }
      if (from < bytes.length) keep(bytes.subarray(from));
    },
    finish(): void {
      if (size > 0) flush();
    },
  };
}

/** The next place from which on a value may begin; each byte is looked at once. */
function nextBracket(bytes: Buffer): (from: number) => number {
  const next = new Map([
    [0x7b, -1], // {
    [0x5b, -1], // [
  ]);
  return (from) => {
    for (const [mark, at] of next)
      if (at < from) {
        const found = bytes.indexOf(mark, from);
        next.set(mark, found < 0 ? Number.POSITIVE_INFINITY : found);
      }
    return Math.min(...next.values());
  };
}

/**
 * Finds JSON values in lines: one a line as a rule, but also behind other words, and over several lines. `onlyWhole`: a
 * line of a value over several is never a message of its own.
 */
function createJsonReader(learn: (value: unknown) => void, onlyWhole: boolean) {
  let open: string[] = [];
  let size = 0;
  let depth = 0;
  let messagesWithin = 0;
  let unreadable = 0;

  const close = (wasRead: boolean) => {
    if (!wasRead) unreadable += 1;
    open = [];
  };
  const begin = (line: string) => {
    const { values, open: rest, unreadable: bad } = valuesIn(line);
    for (const value of values) if (typeof value === 'object' && value !== null) learn(value);
    if (bad) unreadable += 1;
    if (rest === undefined) return;
    open = [rest];
    size = rest.length;
    depth = depthOf(rest) ?? 0;
    messagesWithin = 0;
  };
  const goOn = (line: string) => {
    // What is open may never be closed, so what is a message by itself counts all the same.
    const own = !onlyWhole && line.startsWith('{') && looksWhole(line) ? parsed(line) : undefined;
    if (own) {
      learn(own.value);
      messagesWithin += 1;
    }
    const plain = plainText(line);
    const deeper = depthOf(plain);
    open.push(plain);
    size += plain.length;
    if (deeper === undefined || size > LONGEST_LINE || messagesWithin > MOST_MESSAGES_WITHIN) {
      close(false);
      return own ? undefined : begin(line);
    }
    depth += deeper;
    if (depth > 0) return;
    const { values } = valuesIn(open.join('\n'));
    for (const value of values) learn(value);
    close(values.length > 0);
  };
  return {
    isOpen: () => open.length > 0,
    /** How many parts looked like messages and could not be read. */
    unreadable: () => unreadable + (open.length > 0 ? 1 : 0),
    take: (line: string): void => (open.length > 0 ? goOn(line) : begin(line)),
  };
}

/** The end of a text, as much of it as its result may need. */
function createTextEnd() {
  let pieces: Buffer[] = [];
  let size = 0;
  return {
    keep(bytes: Buffer): void {
      pieces.push(Buffer.from(bytes.subarray(-TEXT_KEPT_BYTES)));
      size += Math.min(bytes.length, TEXT_KEPT_BYTES);
      // Not each time: joining copies all of it, and a program may print millions of short lines.
      if (size > 2 * TEXT_KEPT_BYTES || pieces.length > 1_024) {
        pieces = [Buffer.from(Buffer.concat(pieces).subarray(-TEXT_KEPT_BYTES))];
        size = pieces[0]?.length ?? 0;
      }
    },
    /** As a terminal would show it at the end. */
    shown(): string {
      const all = Buffer.concat(pieces).subarray(-TEXT_KEPT_BYTES);
      const characters = all.subarray(all.findIndex((byte) => (byte & 0xc0) !== 0x80));
      return endOf(shownText(characters), TEXT_RESULT_CHARS).trim();
    },
  };
}

/** A program that works in several turns tells after each what that one has taken. */
function added(before: Usage, more: Usage): Usage {
  const names = Object.keys(more) as (keyof Usage)[];
  return { ...before, ...Object.fromEntries(names.map((name) => [name, (before[name] ?? 0) + (more[name] ?? 0)])) };
}
