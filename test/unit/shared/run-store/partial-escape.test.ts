import stripAnsi from 'strip-ansi';
import { describe, expect, test } from 'vitest';
import { partialEscape } from '../../../../src/shared/run-store/read-output.js';
import { seeded } from '../../../support/random.js';

const ESC = '\x1b';
const BEL = '\x07';

describe('an escape sequence at the end', () => {
  test.each([
    [ESC, 1],
    [`text${ESC}`, 1],
    [`${ESC}[`, 2],
    [`${ESC}[3`, 3],
    [`${ESC}[38;5;2`, 8],
    [`${ESC}[?25`, 5],
    [`${ESC}[0 `, 4],
    [`${ESC}(`, 2],
    [`${ESC}]0;ti`, 6],
    [`${ESC}]0;title${ESC}`, 10],
    [`${ESC}]8;;https://example.org/${'x'.repeat(500)}`, 525],
    [`${ESC}[31mred${ESC}[`, 2],
    [`${ESC}${ESC}[`, 2],
  ])('that is unfinished, %j, has %i bytes', (text, length) => {
    expect(partialEscape(Buffer.from(text))).toBe(length);
  });

  test.each([
    '',
    'text',
    `${ESC}[m`,
    `${ESC}[31m`,
    `${ESC}[31mred`,
    `${ESC}[?25h`,
    `${ESC}[1 q`,
    `${ESC}(B`,
    `${ESC}7`,
    `${ESC}]0;title${BEL}`,
    `${ESC}]0;title${ESC}\\`,
    `${ESC}[31é`,
    `${ESC}]${'x'.repeat(2_000)}`,
  ])('that is finished, or none, %j, has no bytes', (text) => {
    expect(partialEscape(Buffer.from(text))).toBe(0);
  });

  test('wherever it is cut is not divided, so that both parts can be stripped by themselves', () => {
    const random = seeded(21);
    const items = [
      'a',
      '\n',
      '€',
      '😀',
      `${ESC}[1m`,
      `${ESC}[38;5;200m`,
      `${ESC}]0;t€${BEL}`,
      `${ESC}]8;;http://x${ESC}\\`,
    ];
    for (let round = 0; round < 500; round += 1) {
      const text = Array.from({ length: 12 }, () => random.pick(items)).join('');
      const bytes = Buffer.from(text);
      const cut = random.whole(0, bytes.length);
      const kept = cut - partialEscape(bytes.subarray(0, cut));
      const parts = [bytes.subarray(0, kept), bytes.subarray(kept)].map((part) => stripAnsi(part.toString('latin1')));
      expect(parts.join(''), JSON.stringify(text)).toBe(stripAnsi(bytes.toString('latin1')));
    }
  });
});
