import colors from 'picocolors';
import { note, print, widthOf } from './print.js';
import { type Column, foldWords, tableLines } from './table.js';

/** As `note`, folded between words where a terminal is too narrow; what goes on stands below what `lead` is before. */
export function noteFolded(lead: string, text: string): void {
  const lines = text.split('\n').flatMap((line) => foldWords(line, widthOf(process.stderr) - lead.length));
  for (const [at, line] of lines.entries()) note((at === 0 ? lead : ' '.repeat(lead.length)) + line);
}

/** Columns without lines, for people; a terminal gets no line that is wider than it. */
export function printTable(
  columns: readonly (Column | string)[],
  rows: readonly (readonly string[])[],
  show: (line: string) => void = print,
): void {
  const wide = columns.map((column) => (typeof column === 'string' ? { head: column } : column));
  for (const line of tableLines(wide, rows, widthOf(process.stdout), colors.dim)) show(line);
}
