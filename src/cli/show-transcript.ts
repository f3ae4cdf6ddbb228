import colors from 'picocolors';
import { endOf, plainText, terminalText } from '../shared/plain-text.js';
import type { FileChangeEvent } from '../shared/transcript/event.js';
import { lineOf } from '../shared/transcript/readable.js';
import type { TranscriptEvent } from '../shared/transcript/transcript.js';
import { localTime } from './local-time.js';
import { cutToWidth } from './table.js';

interface Stream {
  readonly isTTY?: boolean;
  /** Of a terminal. */
  readonly columns?: number;
  write(chunk: string): unknown;
}

/** How a transcript is shown. */
export interface TranscriptStyle {
  /** Before each line, when it was printed. */
  readonly timestamps?: boolean | undefined;
  /** What was printed on stderr, too. */
  readonly stderr?: boolean | undefined;
  /** Only the last so many lines of what is shown before `lastLinesOver`. */
  readonly lines?: number | undefined;
}

/** So many lines of a patch are shown. */
const PATCH_LINES = 40;

const PAINT: Readonly<Record<string, (text: string) => string>> = {
  tool: colors.cyan,
  ok: colors.green,
  failed: colors.red,
  error: colors.red,
  warning: colors.yellow,
  limit: colors.yellow,
  file: colors.magenta,
  thinking: colors.dim,
  status: colors.dim,
  usage: colors.dim,
  stderr: colors.yellow,
};

/** `[tool] Bash: ls`: the word in brackets in the colour of its kind. */
function painted(line: string): string {
  const [head, kind = ''] = /^\[([a-z]+)\]/.exec(line) ?? [];
  if (head === undefined) return line;
  const isQuiet = kind === 'thinking' || kind === 'status' || kind === 'usage';
  return isQuiet ? colors.dim(line) : `${PAINT[kind]?.(head) ?? head}${line.slice(head.length)}`;
}

/** A line of Markdown with what a terminal has for it: headings, strong words, code. */
function markdownLine(line: string, inCode: boolean): string {
  if (inCode || /^\s*```/.test(line)) return colors.dim(line);
  if (/^#{1,6} /.test(line)) return colors.bold(line);
  return line
    .replaceAll(/\*\*([^*]+)\*\*/g, (_, words: string) => colors.bold(words))
    .replaceAll(/`([^`]+)`/g, (_, words: string) => colors.cyan(words));
}

function patchLines({ patch }: FileChangeEvent, width: number): string[] {
  const lines = patch === undefined ? [] : plainText(patch).split('\n');
  const shown = lines.slice(0, PATCH_LINES).map((whole) => {
    const line = cutToWidth(whole.replaceAll('\t', '    '), width - 2);
    if (line.startsWith('@@')) return colors.dim(`  ${line}`);
    if (line.startsWith('+')) return colors.green(`  ${line}`);
    return line.startsWith('-') ? colors.red(`  ${line}`) : `  ${line}`;
  });
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, colors.dim(`  … and ${more} more lines`)] : shown;
}

/**
 * Shows a transcript as it comes, a line at a time: text as Markdown for a terminal, everything else a line for each event.
 * A pipe gets the same lines without colours.
 */
export function createTranscriptPrinter(stream: Stream, style: TranscriptStyle) {
  let text = '';
  let at = 0;
  let inCode = false;
  let lastError: string | undefined;
  /** What the agent said last, for whoever asks whether the result was shown. */
  let said = '';
  let held: string[] | undefined = style.lines === undefined ? undefined : [];

  const put = (line: string) => {
    const whole = style.timestamps ? `${colors.dim(localTime(at))} ${line}` : line;
    if (held) {
      held.push(whole);
      if (held.length > 2 * (style.lines ?? 0)) held = held.slice(-(style.lines ?? 0));
    } else stream.write(`${stream.isTTY ? terminalText(whole) : whole}\n`);
  };
  const roomFor = () =>
    stream.isTTY && stream.columns ? stream.columns - (style.timestamps ? localTime(at).length + 1 : 0) : 1_000_000;
  const putText = (line: string) => {
    const fence = /^\s*```/.test(line);
    put(colors.isColorSupported && stream.isTTY ? markdownLine(line, inCode) : line);
    if (fence) inCode = !inCode;
  };
  const flush = () => {
    if (text !== '') putText(text);
    text = '';
  };
  const say = (words: string) => {
    said = endOf(said + words, 262_144);
    const lines = (text + plainText(words)).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) putText(line);
  };
  const show = (event: TranscriptEvent) => {
    if (event.stream === 'stderr' && !style.stderr) return;
    if (event.type !== 'text' || !event.delta) flush();
    at = event.at;
    if (event.type === 'text') {
      if (!event.delta) said = '';
      say(event.text);
      if (!event.delta) flush();
      return;
    }
    if (event.type === 'tool_call') said = '';
    const line =
      event.stream === 'stderr' && event.type === 'raw' ? `[stderr] ${plainText(event.text)}` : lineOf(event);
    if (line === undefined || (event.type === 'error' && line === lastError)) return;
    lastError = event.type === 'error' ? line : undefined;
    // What only sums up something is cut, so that it stays one line; what the agent says is not.
    for (const one of line.split('\n')) put(painted(event.type === 'error' ? one : cutToWidth(one, roomFor())));
    if (event.type === 'file_change') for (const one of patchLines(event, roomFor())) put(one);
  };
  return {
    show: (events: readonly TranscriptEvent[]) => events.forEach(show),
    /** From now on every line is shown. */
    lastLinesOver(): void {
      const lines = held?.slice(-(style.lines ?? 0)) ?? [];
      held = undefined;
      for (const line of lines) stream.write(`${stream.isTTY ? terminalText(line) : line}\n`);
    },
    /** Shows what is left; answers whether the agent has said these words last. */
    end(result: string | undefined): boolean {
      flush();
      return result === undefined || said.trim().endsWith(result.trim());
    },
  };
}
