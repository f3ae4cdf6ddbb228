const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENS = [0x5b, 0x7b];

/**
 * Counts the values of a JSON text that comes in pieces, before anything is made of it: parsing a few megabytes of members
 * takes seconds and a hundred times their memory. An empty list or object counts as one more. The answer to each piece is
 * whether there are at most so many up to now.
 */
export function startCounting(most: number): (piece: Buffer) => boolean {
  let count = 0;
  let inText = false;
  /** The last piece ended with the first half of an escape. */
  let escaped = false;

  /** Where the text that we are in ends: behind its quote, or with the piece. Looks at no byte that is not an end. */
  function endOfText(piece: Buffer, from: number): number {
    let at = from;
    if (escaped && at < piece.length) {
      escaped = false;
      at += 1;
    }
    const begin = at;
    for (;;) {
      const quote = piece.indexOf(QUOTE, at);
      const end = quote < 0 ? piece.length : quote;
      let slashes = 0;
      while (end - slashes > begin && piece[end - slashes - 1] === BACKSLASH) slashes += 1;
      const isEscape = slashes % 2 === 1;
      if (quote < 0) {
        escaped = isEscape;
        return end;
      }
      if (!isEscape) {
        inText = false;
        return quote + 1;
      }
      at = quote + 1;
    }
  }

  return (piece) => {
    for (let at = 0; at < piece.length && count <= most; ) {
      if (inText) {
        at = endOfText(piece, at);
        continue;
      }
      const byte = piece[at] ?? 0;
      if (byte === QUOTE) inText = true;
      else if (byte === COMMA || OPENS.includes(byte)) count += 1;
      at += 1;
    }
    return count <= most;
  };
}
