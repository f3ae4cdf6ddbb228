import { describe, expect, test } from 'vitest';
import { beginningOf, endOf, plainText, shownText, terminalText, textOf } from '../../../src/shared/plain-text.js';

test.each([
  ['words stay as they are', 'äöü 🚀\tx\nnext', 'äöü 🚀\tx\nnext'],
  ['colours go', '\u001b[31mred\u001b[0m', 'red'],
  ['what sets the title or the clipboard goes', 'a\u001b]0;title\u0007b\u001b]52;c;AAAA\u0007c', 'abc'],
  ['what clears the screen or writes over a line goes', 'a\u001b[2Jb\rc\u0008d', 'ab\ncd'],
  ['a broken sequence loses its escape', 'a\u001b', 'a'],
  ['the control characters of 8 bits go', 'a\u0090b\u009cc', 'abc'],
])('%s', (_, text, plain) => {
  expect(plainText(text)).toBe(plain);
});

const CONTROL = /(?![\n\t])\p{Cc}/u;
const clipboard = '\u001b\u001b[0m]52;c;QUFB\u0007';
const seeded = (seed: number) => {
  let state = seed;
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
};

describe('whatever a program prints', () => {
  const parts = [
    '\u001b',
    '[0m',
    ']52;c;QUFB',
    '\u0007',
    '\u009b',
    '31m',
    '\u001b\\',
    'P',
    '\0',
    '\r',
    'a',
    '\u001b[?1049h',
    'c',
  ];

  test('as plain text has no control character left, and on a terminal none but colours and styles', () => {
    const random = seeded(1);
    for (let round = 0; round < 5_000; round += 1) {
      const text = Array.from({ length: random(12) }, () => parts[random(parts.length)]).join('');
      expect(plainText(text)).not.toMatch(CONTROL);
      expect(textOf(Buffer.from(text), false)).not.toMatch(CONTROL);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the one sequence that may pass
      expect(terminalText(text).replaceAll(/\u001b\[[0-9;:]*m/g, '')).not.toMatch(CONTROL);
    }
  });

  test('does not become another sequence when one within it is taken out', () => {
    expect(plainText(clipboard)).toBe(']52;c;QUFB');
    expect(terminalText(clipboard)).toBe('\u001b[0m]52;c;QUFB');
  });

  test('keeps its colours on a terminal, and nothing that asks, sets or moves', () => {
    expect(terminalText('\u001b[1;38:5:9mred\u001b[0m\u001b]0;title\u0007\u001b[c\u001b[?1049h\u001b[2J!')).toBe(
      '\u001b[1;38:5:9mred\u001b[0m!',
    );
  });

  test('comes through as it is where somebody wants the sequences', () => {
    expect(textOf(Buffer.from(clipboard), true)).toBe(clipboard);
  });

  test('becomes valid text even where it holds half a character', () => {
    expect(plainText('a\ud83d b').isWellFormed()).toBe(true);
  });
});

describe('a cut', () => {
  const text = 'a😀b😀';

  test.each([0, 1, 2, 3, 4, 5, 6, 7])('after %i characters divides none, from either side', (most) => {
    expect([beginningOf(text, most), endOf(text, most)].every((part) => part.isWellFormed())).toBe(true);
    expect(beginningOf(text, most).length).toBeLessThanOrEqual(most);
    expect(text.startsWith(beginningOf(text, most)) && text.endsWith(endOf(text, most))).toBe(true);
  });

  test('takes what fits', () => {
    expect([beginningOf(text, 2), beginningOf(text, 3), endOf(text, 2), endOf(text, 1)]).toEqual([
      'a',
      'a😀',
      '😀',
      '',
    ]);
  });
});

describe('what a terminal shows at the end', () => {
  test.each([
    ['words stay as they are', 'one\ntwo', 'one\ntwo'],
    ['of a progress bar only the last state', ' 1 %\r50 %\r100 %\ndone', '100 %\ndone'],
    ['what is longer stays behind what is written over it', 'loading\rdone', 'doneing'],
    ['an erased line is gone', 'loading\r\u001b[Kdone\u001b[2K', ''],
    ['a spinner goes by backspaces', '|\b/\b-\bx', 'x'],
    ['lines above are written over, too', 'a 0\nb 0\n\u001b[2Aa 9\nb 9\n', 'a 9\nb 9\n'],
    ['line ends of Windows are line ends', 'one\r\ntwo\r\n', 'one\ntwo\n'],
    ['a screen that is cleared is empty', 'old\u001b[2Jnew', 'new'],
    ['NUL, bells and titles are nothing', 'a\0b\u0007\u001b]0;t\u0007c', 'abc'],
    ['a column is reached over blanks', '\u001b[3Cx', '   x'],
  ])('%s', (_, printed, shown) => {
    expect(shownText(Buffer.from(printed))).toBe(shown);
  });
});
