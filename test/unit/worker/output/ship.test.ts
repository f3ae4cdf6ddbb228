import { describe, expect, test } from 'vitest';
import { intoEntries } from '../../../../src/worker/output/ship.js';
import { seeded } from '../../../support/random.js';

const ENTRY_BYTES = 16 * 1024 - 128;
const endsWithLine = (bytes: Buffer) => bytes.at(-1) === 0x0a;

describe('bytes that are divided into entries', () => {
  test.each([0, 1, ENTRY_BYTES - 1, ENTRY_BYTES])('are one entry if they are no more than it holds: %i', (length) => {
    expect(intoEntries(Buffer.alloc(length, 'x')).map((entry) => entry.length)).toEqual(length === 0 ? [] : [length]);
  });

  test('end with a line wherever one ends within an entry', () => {
    const line = Buffer.from(`${'x'.repeat(99)}\n`);
    const entries = intoEntries(Buffer.concat(Array.from({ length: 1_000 }, () => line)));
    expect(entries.every(endsWithLine)).toBe(true);
    expect(entries.every((entry) => entry.length % 100 === 0)).toBe(true);
  });

  test('of one long line are divided at the bounds of characters', () => {
    const text = '漢'.repeat(20_000);
    const entries = intoEntries(Buffer.from(text));
    expect(entries.map((entry) => entry.toString()).join('')).toBe(text);
    expect(entries.slice(0, -1).every((entry) => entry.length === ENTRY_BYTES - (ENTRY_BYTES % 3))).toBe(true);
  });

  test('are the same bytes again when they are joined, in entries of bounded size, whatever they are', () => {
    const random = seeded(41);
    for (let round = 0; round < 60; round += 1) {
      const bytes =
        round % 3 === 0 ? random.bytes(random.whole(0, 60_000)) : Buffer.from(random.text(random.whole(0, 30_000)));
      const entries = intoEntries(bytes);
      expect(Buffer.concat(entries).equals(bytes)).toBe(true);
      expect(entries.filter(({ length }) => length === 0 || length > ENTRY_BYTES)).toEqual([]);
    }
  });

  test('divide no character of a text', () => {
    const random = seeded(42);
    const strictly = new TextDecoder('utf-8', { fatal: true });
    for (let round = 0; round < 30; round += 1) {
      const text = random.text(20_000).replaceAll('\n', round % 2 === 0 ? '' : '\n');
      expect(() => intoEntries(Buffer.from(text)).map((entry) => strictly.decode(entry))).not.toThrow();
    }
  });

  test('get on in a line of what can only be the inside of characters', () => {
    const bytes = Buffer.alloc(50_000, 0x80);
    expect(Buffer.concat(intoEntries(bytes)).equals(bytes)).toBe(true);
  });
});
