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

/** A length of time for people; none is shorter than nothing, whatever the clocks say. */
export function duration(ms: number): string {
  const tenths = Math.round(ms / 100);
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))} ms`;
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(ms / 60_000);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

/** A size for people. */
export function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  let amount = bytes / 1_024;
  let at = 0;
  for (; amount >= 1_023.95 && at < UNITS.length - 1; at += 1) amount /= 1_024;
  return `${amount.toFixed(1)} ${UNITS[at]}`;
}
