import colors from 'picocolors';
import { print, widthOf } from './print.js';
import { foldWords } from './table.js';

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly what: string;
  /** False: something does not work until it is fixed. */
  readonly ok: boolean;
  readonly found: string;
  /** It works, and could be better or may be wanted. */
  readonly note?: boolean;
  /** The line that fixes it, or does better. */
  readonly fix?: string;
}

function mark({ ok, note }: Finding): string {
  if (!ok) return colors.red('✗');
  return note ? colors.yellow('•') : colors.green('✓');
}

/** For people: a line each, problems and notes with the line that fixes them, and the sum at the end. */
export function printFindings(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ what }) => what.length));
  for (const finding of findings) {
    const { what, ok, found, note, fix } = finding;
    const [first = '', ...rest] = foldWords(found, widthOf(process.stdout) - width - 4);
    print(`${mark(finding)} ${ok ? what.padEnd(width) : colors.bold(what.padEnd(width))}  ${first}`);
    for (const line of rest) print(`${' '.repeat(width + 4)}${line}`);
    if (fix && (note || !ok)) print(`  ${' '.repeat(width)}  ${colors.dim('→')} ${colors.cyan(fix)}`);
  }
  const problems = findings.filter(({ ok }) => !ok).length;
  const notes = findings.filter(({ ok, note }) => ok && note).length;
  const count = (n: number, thing: string) => `${n} ${thing}${n === 1 ? '' : 's'}`;
  print('');
  print(
    problems === 0
      ? colors.green(`no problem, ${count(notes, 'note')}`)
      : colors.red(`${count(problems, 'problem')}, ${count(notes, 'note')}`),
  );
}
