/** Runs at most this many actions at once, in the order in which they came. */
export function createLane(width: number) {
  const waiting: (() => void)[] = [];
  let free = width;
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return {
    /** Resolves, or throws, as the action does once it was its turn. */
    async through<Value>(action: () => Promise<Value>): Promise<Value> {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await action();
      } finally {
        leave();
      }
    },
  };
}
