import type { Logger } from '../../shared/logger.js';
import type { Usage } from '../../shared/run.js';
import type { Findings, Output } from '../../shared/runners/runner.js';

/** Longer lines are output like any other, but nothing is looked for in them. */
const LONGEST_LINE = 16 * 1024 * 1024;
/** The text of a runner without a result of its own is its result, up to here (characters, from the end). */
const TEXT_RESULT_CHARS = 64 * 1024;
/** A result that comes in pieces is collected up to here (characters). */
const LONGEST_RESULT = 1024 * 1024;
const HALF_CHARACTER = /^[\udc00-\udfff]/;

/** Collects what a CLI's stdout tells about its run, from bytes as they come. */
export function createReader(output: Output, onLearned: (learned: Findings) => void, logger: Logger) {
  const found: { -readonly [Key in keyof Findings]: Findings[Key] } = {};
  let pieces: Buffer[] = [];
  let size = 0;
  let complained = false;
  let text = '';
  const saysWork = output.format === 'text' ? undefined : output.worked;
  let worked = false;

  const learn = (message: unknown) => {
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
  const learnJson = (line: string) => {
    if (line.trim() === '') return;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return; // a line that is no JSON is output, not an error
    }
    learn(message);
  };
  const takeLine = (line: string) => {
    if (output.format === 'json-lines') return learnJson(line);
    const whole = line.endsWith('\r') ? line.slice(0, -1) : line;
    text += `${whole}\n`;
    // Not after every line: a slice copies all of it, and a program may print millions of short lines.
    if (text.length > 2 * TEXT_RESULT_CHARS) text = text.slice(-TEXT_RESULT_CHARS);
    learn(whole);
  };
  const keep = (bytes: Buffer) => {
    size += bytes.length;
    if (size <= LONGEST_LINE) pieces.push(bytes);
    else pieces = [];
  };
  const flush = (): string | undefined => {
    const whole = size <= LONGEST_LINE ? Buffer.concat(pieces).toString() : undefined;
    pieces = [];
    size = 0;
    return whole;
  };

  return {
    take(bytes: Buffer): void {
      if (output.format === 'json') {
        keep(bytes);
        return;
      }
      let from = 0;
      for (let newline = bytes.indexOf(0x0a); newline >= 0; newline = bytes.indexOf(0x0a, from)) {
        keep(bytes.subarray(from, newline));
        const line = flush();
        if (line !== undefined) takeLine(line);
        from = newline + 1;
      }
      if (from < bytes.length) keep(bytes.subarray(from));
    },
    /** Whether the output shows work so far; undefined where the runner cannot tell. */
    worked: () => (saysWork ? worked : undefined),
    /** What was found, once there is no more output. */
    finish(): Findings {
      const rest = flush();
      if (rest !== undefined && rest !== '') {
        if (output.format === 'json') learnJson(rest);
        else takeLine(rest);
      }
      const end = text.slice(-TEXT_RESULT_CHARS).replace(HALF_CHARACTER, '').trim();
      if (output.format === 'text' && found.result === undefined && end !== '') found.result = end;
      return found;
    },
  };
}

/** A program that works in several turns tells after each what that one has taken. */
function added(before: Usage, more: Usage): Usage {
  const names = Object.keys(more) as (keyof Usage)[];
  return { ...before, ...Object.fromEntries(names.map((name) => [name, (before[name] ?? 0) + (more[name] ?? 0)])) };
}
