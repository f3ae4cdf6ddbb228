import { describe, expect, test } from 'vitest';
import { cutAt, wholeCharacters } from '../../../../src/shared/run-store/output.js';
import { seeded } from '../../../support/random.js';

const strictly = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const isText = (bytes: Buffer) => {
  try {
    strictly.decode(bytes);
    return true;
  } catch {
    return false;
  }
};

/** All of the bytes, cut after cut. */
function cutInto(bytes: Buffer, limit: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const cut = cutAt(bytes.subarray(from), limit);
    if (cut <= 0) throw new Error(`no progress at ${from} of ${bytes.toString('hex')} by ${limit}`);
    pieces.push(bytes.subarray(from, from + cut));
    from += cut;
  }
  return pieces;
}

describe('a cut', () => {
  test.each([
    ['abc', 3, 3],
    ['abc', 9, 3],
    ['abc', 2, 2],
    ['', 5, 0],
    ['abc\ndef', 6, 4],
    ['a\nbcdefgh', 6, 6],
    ['abc\ndef', 4, 4],
    ['€uro', 1, 3],
    ['€uro', 2, 3],
    ['€uro', 3, 3],
    ['a€', 3, 1],
    ['a€', 2, 1],
    ['😀!', 1, 4],
    ['ab\ncd', 0, 1],
    ['€', 0, 3],
  ])('of %j at %i is at %i', (text, limit, cut) => {
    expect(cutAt(Buffer.from(text), limit)).toBe(cut);
  });

  test.each([
    [[0xff, 0xff, 0xff], 2, 2],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80], 5, 5],
    [[0xf0, 0x41, 0x41], 1, 1],
    [[0xf0, 0x9f], 1, 2],
    [[0xe2, 0x82], 1, 2],
  ])('of bytes %j that are no UTF-8, at %i, is at %i', (bytes, limit, cut) => {
    expect(cutAt(Buffer.from(bytes), limit)).toBe(cut);
  });

  test('after a cut gives back the same bytes, in pieces of whole characters that are as small as was asked', () => {
    const random = seeded(31);
    for (let round = 0; round < 400; round += 1) {
      const bytes = Buffer.from(random.text(random.whole(0, 60)));
      const limit = random.whole(1, 40);
      const pieces = cutInto(bytes, limit);
      expect(Buffer.concat(pieces)).toEqual(bytes);
      expect(pieces.filter((piece) => !isText(piece))).toEqual([]);
      const large = pieces.filter((piece) => piece.length > limit).map((piece) => [...piece.toString()]);
      expect(large.filter((characters) => characters.length !== 1)).toEqual([]);
    }
  });

  test('after a cut gets on in bytes that are no text, too', () => {
    const random = seeded(32);
    for (let round = 0; round < 400; round += 1) {
      const bytes = random.bytes(random.whole(0, 80));
      const limit = random.whole(0, 20);
      const pieces = cutInto(bytes, limit);
      expect(Buffer.concat(pieces)).toEqual(bytes);
      expect(pieces.filter((piece) => piece.length > Math.max(limit, 4))).toEqual([]);
    }
  });

  test('ends with a line where one ends in the second half', () => {
    const random = seeded(33);
    for (let round = 0; round < 400; round += 1) {
      const bytes = Buffer.from(random.text(60));
      const limit = random.whole(2, bytes.length - 1);
      const lineEnd = bytes.lastIndexOf(0x0a, limit - 1) + 1;
      if (lineEnd > limit / 2) expect(cutAt(bytes, limit)).toBe(lineEnd);
      else expect(limit - cutAt(bytes, limit)).toBeLessThan(4);
    }
  });
});

describe('the whole characters of a chunk', () => {
  test.each([
    [[], 0],
    [[0x61], 1],
    [[0xe2], 0],
    [[0xe2, 0x82], 0],
    [[0xe2, 0x82, 0xac], 3],
    [[0x61, 0xf0, 0x9f, 0x98], 1],
    [[0xf0, 0x9f, 0x98, 0x80], 4],
    [[0x80], 1],
    [[0xff], 1],
    [[0xf0, 0x61], 2],
    [[0x61, 0x80, 0x80, 0x80, 0x80, 0x80], 6],
  ])('of bytes %j are %i bytes', (bytes, length) => {
    expect(wholeCharacters(Buffer.from(bytes))).toBe(length);
  });

  test('leave less than one character for the next chunk, and together they are the same text', () => {
    const random = seeded(34);
    for (let round = 0; round < 400; round += 1) {
      const bytes = Buffer.from(random.text(40));
      let carried = Buffer.alloc(0);
      const pieces: Buffer[] = [];
      for (const chunk of random.pieces(bytes, 9)) {
        const all = Buffer.concat([carried, chunk]);
        const whole = wholeCharacters(all);
        expect(all.length - whole).toBeLessThan(4);
        pieces.push(all.subarray(0, whole));
        carried = all.subarray(whole);
      }
      expect(carried).toHaveLength(0);
      expect(pieces.filter((piece) => !isText(piece))).toEqual([]);
      expect(Buffer.concat(pieces)).toEqual(bytes);
    }
  });

  test('hold back less than four bytes of whatever else comes', () => {
    const random = seeded(35);
    for (let round = 0; round < 1_000; round += 1) {
      const bytes = random.bytes(random.whole(0, 12));
      expect(bytes.length - wholeCharacters(bytes)).toBeLessThan(4);
      expect(wholeCharacters(bytes)).toBeGreaterThanOrEqual(0);
    }
  });
});
