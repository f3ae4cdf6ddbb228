import Table from 'cli-table3';
import colors from 'picocolors';
import { terminalText } from '../shared/plain-text.js';

/** Whatever a text holds of others' words, a terminal gets no more of them than colours and styles. */
const shownOn = (stream: NodeJS.WriteStream, text: string) => (stream.isTTY ? terminalText(text) : text);

/** Data goes to stdout. */
export function print(text: string): void {
  process.stdout.write(`${shownOn(process.stdout, text)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}

/** What a person should know goes to stderr. */
export function note(text: string): void {
  process.stderr.write(`${shownOn(process.stderr, text)}\n`);
}

/** Columns without lines, cut to nothing; for people. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  };
  const chars = { ...none, left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' };
  const style = { 'padding-left': 0, 'padding-right': 0, head: [], border: [] };
  const table = new Table({ head: head.map((name) => colors.dim(name)), chars, style });
  table.push(...rows.map((row) => [...row]));
  print(table.toString().replaceAll(/ +$/gm, ''));
}

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
