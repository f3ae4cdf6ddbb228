import { expect, test } from 'vitest';
import { plainText } from '../../../src/shared/plain-text.js';

test.each([
  ['words stay as they are', 'äöü 🚀\tx\nnext', 'äöü 🚀\tx\nnext'],
  ['colours go', '\u001b[31mred\u001b[0m', 'red'],
  ['what sets the title or the clipboard goes', 'a\u001b]0;title\u0007b\u001b]52;c;AAAA\u0007c', 'abc'],
  ['what clears the screen or writes over a line goes', 'a\u001b[2Jb\rc\u0008d', 'abcd'],
  ['a broken sequence loses its escape', 'a\u001b', 'a'],
  ['the control characters of 8 bits go', 'a\u0090b\u009cc', 'abc'],
])('%s', (_, text, plain) => {
  expect(plainText(text)).toBe(plain);
});
