import colors from 'picocolors';
import { terminalText } from '../shared/plain-text.js';

/** Whatever a text holds of others' words, a terminal gets no more of them than colours and styles. */
export const onScreen = (stream: NodeJS.WriteStream, text: string) => (stream.isTTY ? terminalText(text) : text);

/** Data goes to stdout. */
export function print(text: string): void {
  process.stdout.write(`${onScreen(process.stdout, text)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}

/** What a person should know goes to stderr. */
export function note(text: string): void {
  process.stderr.write(`${onScreen(process.stderr, text)}\n`);
}

/** The columns of a terminal; a pipe has as many as there are. */
export const widthOf = ({ isTTY, columns }: NodeJS.WriteStream) => (isTTY ? columns || 80 : Number.POSITIVE_INFINITY);

const PAINT: Readonly<Record<string, (text: string) => string>> = {
  queued: colors.dim,
  running: colors.cyan,
  done: colors.green,
  failed: colors.red,
  killed: colors.magenta,
  timed_out: colors.yellow,
  orphaned: colors.yellow,
};
export const paintState = (state: string) => (PAINT[state] ?? String)(state);

/** A state and what follows it: the state in its colour, the rest dim. */
export const paintStateAndRemark = (cell: string) =>
  cell.replace(/^(\S+)(.*)$/s, (_, state: string, rest: string) => paintState(state) + colors.dim(rest));
