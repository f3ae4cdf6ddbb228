/** Of something that is limited, how much one principal and all together hold. In this process only. */
export interface Shares {
  /** Takes this much for a name; false, and nothing is taken, if the name or all names together would have too much. */
  take(name: string, count?: number): boolean;
  giveBack(name: string, count?: number): void;
  held(name: string): number;
}

/** Shares of at most `most` for each name, and `mostOfAll` for all of them together. */
export function openShares(most: number, mostOfAll = Number.POSITIVE_INFINITY): Shares {
  const held = new Map<string, number>();
  let all = 0;
  const heldBy = (name: string) => held.get(name) ?? 0;
  return {
    take(name, count = 1) {
      if (heldBy(name) + count > most || all + count > mostOfAll) return false;
      held.set(name, heldBy(name) + count);
      all += count;
      return true;
    },
    giveBack(name, count = 1) {
      const left = heldBy(name) - count;
      if (left > 0) held.set(name, left);
      else held.delete(name);
      all -= count;
    },
    held: heldBy,
  };
}
