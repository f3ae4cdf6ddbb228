/** A generator of numbers that gives the same ones for the same seed (mulberry32), so that a failing case can be repeated. */
export function seeded(seed: number) {
  let state = seed;
  /** At least 0, below 1. */
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  const pick = <Item>(items: readonly Item[]): Item => items[whole(0, items.length - 1)] as Item;
  return {
    next,
    /** A whole number within both bounds. */
    whole,
    pick,
    /** Text of about so many characters, of one to four bytes each, with line ends in between. */
    text: (characters: number) =>
      Array.from({ length: characters }, () =>
        pick(['a', 'z', ' ', '\n', '\r\n', 'ß', 'é', '€', '漢', '😀', '👩‍💻']),
      ).join(''),
    /** Bytes that are mostly no UTF-8. */
    bytes: (length: number) => Buffer.from(Array.from({ length }, () => whole(0, 255))),
    /** The same bytes in pieces of up to `most` bytes. */
    pieces(bytes: Buffer, most: number): Buffer[] {
      const pieces: Buffer[] = [];
      for (let from = 0; from < bytes.length; ) {
        const length = whole(1, most);
        pieces.push(bytes.subarray(from, from + length));
        from += length;
      }
      return pieces;
    },
  };
}
