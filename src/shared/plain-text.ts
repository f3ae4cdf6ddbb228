import stripAnsi from 'strip-ansi';

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is left out
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and styles (SGR), the only sequence that a terminal gets
const STYLE = /(\x1b\[[0-9;:]*m)/;

/**
 * Foreign words as plain, well-formed text: no control character is left but line ends and tabs. A lone carriage return
 * ends a line, so that what was written over stays apart.
 */
export function plainText(text: string): string {
  if (text.search(CONTROLS) < 0) return text.toWellFormed();
  const ended = stripAnsi(text).replaceAll(/\r\n?/g, '\n');
  return ended.replaceAll(CONTROLS, '').toWellFormed();
}

/** Foreign words for a terminal: plain text with colours and styles, and nothing else that could steer it. */
export function terminalText(text: string): string {
  const parts = text.split(STYLE);
  return parts.map((part, at) => (at % 2 === 1 ? part : plainText(part))).join('');
}

/** Output as text: invalid UTF-8 is shown as U+FFFD. Without `ansi` it is plain text, with it every byte stays. */
export function textOf(bytes: Buffer, ansi: boolean): string {
  const text = bytes.toString('utf8');
  return ansi ? text : plainText(text);
}

/** The first `most` characters (UTF-16 units) of a text, or one less where the cut would divide a character. */
export function beginningOf(text: string, most: number): string {
  const end = text.codePointAt(most - 1) ?? 0;
  return text.slice(0, end > 0xffff && most > 0 ? most - 1 : most);
}

/** The last `most` characters (UTF-16 units) of a text, or one less where the cut would divide a character. */
export function endOf(text: string, most: number): string {
  const start = Math.max(0, text.length - most);
  const inside = start > 0 && (text.codePointAt(start - 1) ?? 0) > 0xffff;
  return text.slice(inside ? start + 1 : start);
}

// Written over: a carriage return, a backspace, and what moves the cursor or erases (CSI A to D, G, J, K).
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is steered by them
const STEERING = /(\r|\n|\x08|\x1b\[\d*[A-DGJK])/;

/** Output as a terminal would show it at the end: lines that were written over have their last form. */
export function shownText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is steered by them
  if (!/[\r\x08\x1b]/.test(text)) return plainText(text);
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  for (const part of text.split(STEERING)) {
    const line = lines[row] ?? [];
    lines[row] = line;
    const [, count, move] = STEPS.exec(part) ?? [];
    const steps = Number(count || 1);
    if (part === '\n') [row, column] = [row + 1, 0];
    else if (part === '\r') column = 0;
    else if (part === '\b' || move === 'D') column = Math.max(0, column - steps);
    else if (move === 'A') row = Math.max(0, row - steps);
    else if (move === 'B') row = Math.min(lines.length - 1, row + steps);
    else if (move === 'C') column = Math.min(WIDEST, column + steps);
    else if (move === 'G') column = Math.min(WIDEST, steps - 1);
    else if (move === 'K') erase(line, column, Number(count || 0));
    else if (move === 'J') [row, column] = count === '2' ? clear(lines) : [row, column];
    else for (const character of plainText(part)) line[column++] = character;
  }
  return lines.map((line) => Array.from(line, (character) => character ?? ' ').join('')).join('\n');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is steered by them
const STEPS = /^\x1b\[(\d{0,4})([A-DGJK])$/;
/** A cursor that is sent further than this (columns) stays here. */
const WIDEST = 1_000;

/** 0: from the cursor on, 1: up to it, 2: the whole line. */
function erase(line: string[], column: number, which: number): void {
  if (which === 1) line.fill(' ', 0, Math.min(line.length, column + 1));
  else line.length = which === 2 ? 0 : Math.min(line.length, column);
}

function clear(lines: string[][]): [row: number, column: number] {
  lines.splice(0, lines.length, []);
  return [0, 0];
}
