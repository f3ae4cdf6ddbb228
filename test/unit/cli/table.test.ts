import stringWidth from 'string-width';
import { describe, expect, it, test } from 'vitest';
import { type Column, cutStyled, cutToWidth, foldWords, tableLines } from '../../../src/cli/table.js';

test.each([
  ['hello', 5, 'hello'],
  ['hello', 4, 'hel…'],
  ['日本語のテキスト', 16, '日本語のテキスト'],
  ['日本語のテキスト', 8, '日本語…'],
  ['👩‍👩‍👧‍👦 family', 4, '👩‍👩‍👧‍👦…'],
  ['a b', 3, 'a b'],
  ['ab cd', 4, 'ab…'],
  ['x', 0, ''],
])('%j in %i columns is %j', (text, width, cut) => {
  expect(cutToWidth(text, width)).toBe(cut);
});

test.each([
  ['one two three', 20, ['one two three']],
  ['one two three', 7, ['one two', 'three']],
  ['日本 語', 4, ['日本', '語']],
  ['a sessionidentifier b', 8, ['a', 'sessioni', 'dentifie', 'r b']],
  ['日本語', 3, ['日', '本', '語']],
  ['', 5, ['']],
  ['never folded', Number.POSITIVE_INFINITY, ['never folded']],
])('%j is folded to %d columns', (text, width, lines) => {
  expect(foldWords(text, width)).toEqual(lines);
});

test.each([
  ['\u001b[2mdim\u001b[0m', 3, '\u001b[2mdim\u001b[0m'],
  ['\u001b[2mlonger\u001b[0m more', 4, '\u001b[2mlon…\u001b[0m'],
  ['a\u001b[1mb\u001b[0mcdef', 4, 'a\u001b[1mb\u001b[0mc…'],
])('%j has no more than %d columns', (line, width, cut) => {
  expect(cutStyled(line, width)).toBe(cut);
});

const COLUMNS: readonly Column[] = [
  { head: 'RUN' },
  { head: 'AGENT', least: 6 },
  { head: 'HOST', rank: 2 },
  { head: 'PROMPT', least: 10, rank: 1 },
];
const ROWS = [
  ['r123456789', 'greeter', 'a-host-with-a-name', 'say hello to everybody who is here'],
  ['r2', '日本語の名前はとても長い', 'h', '多くの文字がここにあります、本当に多い\nnext line'],
];

describe('a table', () => {
  it('is cut nowhere in a pipe, and every row is one line', () => {
    const lines = tableLines(COLUMNS, ROWS, Number.POSITIVE_INFINITY);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toContain('say hello to everybody who is here');
    expect(lines[2]).toContain('本当に多い next line');
  });

  it.each([20, 30, 40, 60, 80, 120])('is no wider than a terminal of %i columns', (width) => {
    for (const line of tableLines(COLUMNS, ROWS, width)) expect(stringWidth(line)).toBeLessThanOrEqual(width);
  });

  it('leaves out first what matters least', () => {
    expect(tableLines(COLUMNS, ROWS, 40)[0]?.split(/ +/)).toEqual(['RUN', 'AGENT', 'PROMPT']);
    expect(tableLines(COLUMNS, ROWS, 20)[0]?.split(/ +/)).toEqual(['RUN', 'AGENT']);
  });

  it('has nothing in it that steers a terminal but what it paints itself', () => {
    const painted = tableLines([{ head: 'A', paint: (cell) => `<${cell}>` }], [['x\u001b[2Jy\u0007']], 80);
    expect(painted).toEqual(['A', '<xy>']);
  });
});
