import { beginningOf, plainText } from '../plain-text.js';

/** A text as one line, shortened to this many characters. */
export function oneLine(text: string, most = 160): string {
  const line = plainText(beginningOf(text, 8 * most))
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (line.length <= most && text.length <= 8 * most) return line;
  return `${[...line].slice(0, most - 1).join('')}…`;
}
