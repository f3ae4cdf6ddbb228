type Fallbacks = Readonly<Record<string, readonly string[]>>;

/** How many tries the further values of an agent's variables make: one with the first, one with each that follows. */
export function attemptsOf(fallbacks: Fallbacks | undefined): number {
  return 1 + Math.max(0, ...Object.values(fallbacks ?? {}).map(({ length }) => length));
}

/**
 * The further values that a try uses, the first try being 1: every variable takes its next one, so a key and the address
 * it belongs to change together; a shorter list stays at its last.
 */
export function valuesFor(fallbacks: Fallbacks | undefined, attempt: number): Record<string, string> {
  if (attempt < 2) return {};
  return Object.fromEntries(
    Object.entries(fallbacks ?? {}).flatMap(([name, values]) => {
      const value = values[Math.min(attempt - 2, values.length - 1)];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
