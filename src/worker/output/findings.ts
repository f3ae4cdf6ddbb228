import type { Logger } from '../../shared/logger.js';
import { endOf, shownText } from '../../shared/plain-text.js';
import type { Usage } from '../../shared/run.js';
import type { Findings, Output } from '../../shared/runners/runner.js';
import { createFraming, type Frame } from '../../shared/transcript/framing.js';

/** Longer lines and values are output like any other, but nothing is looked for in them (bytes, characters). */
const LONGEST_LINE = 16 * 1024 * 1024;
/** The text of a runner without a result of its own is its result, up to here (characters, from the end). */
const TEXT_RESULT_CHARS = 64 * 1024;
/** How much of the printed bytes is looked at for that: progress bars print far more than they show. */
const TEXT_KEPT_BYTES = 1024 * 1024;
/** A result that comes in pieces is collected up to here (characters). */
const LONGEST_RESULT = 1024 * 1024;

/** Collects what a CLI's stdout tells about its run, from bytes as they come; it keeps none of the buffers. */
export function createReader(
  output: Output,
  onLearned: (learned: Findings) => void,
  logger: Logger,
  saw?: (message: unknown) => void,
) {
  const found: { -readonly [Key in keyof Findings]: Findings[Key] } = {};
  const saysWork = output.format === 'text' ? undefined : output.worked;
  let complained = false;
  let worked = false;
  let limited = false;
  let messages = 0;

  const learn = (message: unknown) => {
    messages += 1;
    try {
      saw?.(message);
      const works = (!worked || limited) && (saysWork?.(message) ?? false);
      worked ||= works;
      const read = output.format === 'text' ? output.read?.(String(message)) : output.read(message);
      const learned: Findings = { ...read, ...(limited && (works || read?.ended) && { limit: 'over' }) };
      if (Object.keys(learned).length === 0) return;
      const { resultPart, usage, limit, ...facts } = learned;
      if (limit) limited = limit !== 'over';
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
  const framing = createFraming({ format: output.format, longest: LONGEST_LINE, onlyMessages: true });
  const readsLines = output.format !== 'text' || output.read !== undefined;
  const learnAll = (frames: readonly Frame[]) => {
    for (const { text, values } of frames)
      if (output.format === 'text') learn(text.endsWith('\r') ? text.slice(0, -1) : text);
      else for (const value of values) learn(value);
  };

  return {
    take(bytes: Buffer): void {
      text?.keep(bytes);
      if (readsLines) learnAll(framing.take(bytes));
    },
    /** Whether the output shows work so far; undefined where the runner cannot tell. */
    worked: () => (saysWork ? worked : undefined),
    /** How many parts of it looked like messages and could not be read. */
    unreadable: framing.unreadable,
    /** How many messages there were so far. */
    messages: () => messages,
    /** The provider does not answer for now, as something else than this output says: this one tells when that is over. */
    limitTold(): void {
      limited = true;
    },
    /** The result, as far as it was told. */
    resultSoFar: () => found.result,
    /** What was found, once there is no more output. */
    finish(): Findings {
      learnAll(framing.finish());
      const shown = text?.shown() ?? '';
      if (shown !== '' && found.result === undefined) found.result = shown;
      return found;
    },
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
