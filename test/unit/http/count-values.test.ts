import { describe, expect, test } from 'vitest';
import { startCounting } from '../../../src/http/count-values.js';

/** The members and elements of a value, and one for each list and object that has none. */
function countOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const within = Object.values(value);
  return Math.max(1, within.length) + within.reduce((sum: number, one) => sum + countOf(one), 0);
}
/** The least limit that a text keeps, coming in pieces of so many bytes. */
function countedIn(text: string, size: number): number {
  const bytes = Buffer.from(text);
  const fits = (most: number) => {
    const count = startCounting(most);
    let fitsSoFar = true;
    for (let at = 0; at < bytes.length; at += size) fitsSoFar = count(bytes.subarray(at, at + size));
    return fitsSoFar;
  };
  let most = 0;
  while (!fits(most)) most += 1;
  return most;
}

describe('the values of a JSON text', () => {
  test.each([
    ['nothing', 0],
    ['an empty object', {}],
    ['members', { a: 1, b: [1, 2, 3], c: { d: null } }],
    ['commas and brackets in words', { a: ',,,[[[{{{', ',[{': 'x,y' }],
    ['quotes and backslashes in words', { a: '",",', b: '\\', c: '\\",\\\\",[', d: '"\\"' }],
    ['words of many bytes', { größe: '€,€', '🙂': ['🙂,'] }],
    ['depth', [[[[[]]]], {}]],
  ])('are counted before it is parsed: %s', (_, value) => {
    const text = JSON.stringify(value);
    for (const size of [1, 2, 3, 7, 1_000]) expect(countedIn(text, size), `${text} by ${size}`).toBe(countOf(value));
  });

  test('are counted to the limit and no further, and what came over it stays over it', () => {
    const count = startCounting(2);
    expect([
      count(Buffer.from('[1')),
      count(Buffer.from(',2')),
      count(Buffer.from(',3')),
      count(Buffer.from(']')),
    ]).toEqual([true, true, false, false]);
  });
});
