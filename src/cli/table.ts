import stringWidth from 'string-width';
import { plainText } from '../shared/plain-text.js';

/** A column of a table for people. */
export interface Column {
  readonly head: string;
  /** It may be cut where the terminal is narrow, down to this many columns of the terminal. */
  readonly least?: number;
  /** Left out where the terminal is narrow, those with the highest number first. */
  readonly rank?: number;
  /** Given to what is left of a cell. */
  readonly paint?: (cell: string) => string;
}

/** Between two columns. */
const GAP = '  ';
const ELLIPSIS = '…';
const CHARACTERS = new Intl.Segmenter();

/** The first characters of a text that fit into this many columns of a terminal, with an ellipsis where it goes on. */
export function cutToWidth(text: string, width: number): string {
  if (text.length <= width && stringWidth(text) <= width) return text;
  if (stringWidth(text) <= width) return text;
  return width < 1 ? '' : headOf(text, width - 1).trimEnd() + ELLIPSIS;
}

/** The first characters of a text that fit into this many columns. */
function headOf(text: string, width: number): string {
  let head = '';
  let used = 0;
  for (const { segment } of CHARACTERS.segment(text)) {
    used += stringWidth(segment);
    if (used > width) break;
    head += segment;
  }
  return head;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and styles (SGR), which take no room
const STYLE = /(\x1b\[[0-9;:]*m)/;

/** As `cutToWidth`, of a line with colours and styles. */
export function cutStyled(line: string, width: number): string {
  let room = width;
  const parts = line.split(STYLE).map((part, at) => {
    if (at % 2 === 1) return part;
    const cut = cutToWidth(part, room);
    room = cut === part ? room - stringWidth(part) : 0;
    return cut;
  });
  return parts.join('');
}

/** A text in lines of words that are no wider than this many columns; a wider word is divided. */
export function foldWords(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ').flatMap((whole) => divided(whole, width))) {
    const last = lines.at(-1) ?? '';
    const longer = last === '' ? word : `${last} ${word}`;
    if (last === '' || stringWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function divided(word: string, width: number): string[] {
  if (stringWidth(word) <= width) return [word];
  const head = headOf(word, width) || word;
  return [head, ...divided(word.slice(head.length), width)];
}

/** The lines of a table, head first, that are no wider than `width` where its columns allow it; Infinity: nothing is cut. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  paintHead: (head: string) => string = String,
): string[] {
  const cells = rows.map((row) => row.map((cell) => plainText(cell).replaceAll(/\s+/g, ' ').trim()));
  const widths = columns.map(({ head }, at) =>
    cells.reduce((most, row) => Math.max(most, stringWidth(row[at] ?? '')), head.length),
  );
  const kept = keptColumns(columns, widths, width);
  const fitted = fittedWidths(columns, widths, kept, width);
  const lineOf = (cell: (at: number) => string, paint: (text: string, at: number) => string) =>
    kept
      .map((at) => {
        const text = cutToWidth(cell(at), fitted[at] ?? 0);
        return paint(text, at) + ' '.repeat(Math.max(0, (fitted[at] ?? 0) - stringWidth(text)));
      })
      .join(GAP)
      .trimEnd();
  return [
    lineOf((at) => columns[at]?.head ?? '', paintHead),
    ...cells.map((row) =>
      lineOf(
        (at) => row[at] ?? '',
        (text, at) => columns[at]?.paint?.(text) ?? text,
      ),
    ),
  ];
}

const leastOf = ({ least }: Column, natural: number) => Math.min(natural, least ?? natural);
const sumOf = (widths: readonly number[]) =>
  widths.reduce((sum, one) => sum + one, 0) + GAP.length * Math.max(0, widths.length - 1);

/** Leaves columns out until the others fit when all of them are cut as far as they may be. */
function keptColumns(columns: readonly Column[], widths: readonly number[], width: number): number[] {
  let kept = columns.map((_, at) => at);
  const least = () => sumOf(kept.map((at) => leastOf(columns[at] as Column, widths[at] ?? 0)));
  while (least() > width) {
    const ranked = kept.filter((at) => columns[at]?.rank !== undefined);
    const [first] = ranked.sort((a, b) => (columns[b]?.rank ?? 0) - (columns[a]?.rank ?? 0));
    if (first === undefined) break;
    kept = kept.filter((at) => at !== first);
  }
  return kept;
}

/** Cuts the widest column that may be cut, again and again, until all of them fit. */
function fittedWidths(
  columns: readonly Column[],
  widths: readonly number[],
  kept: readonly number[],
  width: number,
): number[] {
  const fitted = [...widths];
  for (let over = sumOf(kept.map((at) => fitted[at] ?? 0)) - width; over > 0; ) {
    const room = (at: number) => (fitted[at] ?? 0) - leastOf(columns[at] as Column, widths[at] ?? 0);
    const [widest] = kept.filter((at) => room(at) > 0).sort((a, b) => (fitted[b] ?? 0) - (fitted[a] ?? 0));
    if (widest === undefined) break;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
    over -= 1;
  }
  return fitted;
}
