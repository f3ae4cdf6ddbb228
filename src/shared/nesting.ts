/**
 * Whether there are more lists and objects within each other than so many. What others send or print may have as many as it
 * has bytes, and whatever walks through that by calling itself, as `JSON.stringify` does, runs out of stack.
 */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let level = [value].filter(isParent);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= levels) return true;
    level = level.flatMap((one) => Object.values(one).filter(isParent));
  }
  return false;
}

const isParent = (value: unknown): value is object => typeof value === 'object' && value !== null;
