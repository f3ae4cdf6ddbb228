const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** By byte, outside of a text: whether it begins one more value. A table, as each byte of a body is looked at. */
const COUNTS = new Uint8Array(256);
for (const byte of Buffer.from(',[{')) COUNTS[byte] = 1;

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

  /** As `endOfText`, where we are in none; counts on the way. */
  function endOfRest(piece: Buffer, from: number): number {
    let counted = count;
    let at = from;
    for (; at < piece.length && counted <= most; at += 1) {
      const byte = piece[at] ?? 0;
      if (byte === QUOTE) break;
      counted += COUNTS[byte] ?? 0;
    }
    count = counted;
    inText = piece[at] === QUOTE;
    return at + 1;
  }

  return (piece) => {
    for (let at = 0; at < piece.length && count <= most; ) at = inText ? endOfText(piece, at) : endOfRest(piece, at);
    return count <= most;
  };
}
