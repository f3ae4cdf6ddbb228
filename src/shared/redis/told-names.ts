/** Longer than this (ms) nobody relies on a name that was told once. */
const TOLD_FOR_MS = 60_000;

/** Names that this process has put into a set of Redis, so that not every run does so again. */
export interface ToldNames {
  /** Those of them that have to be told. */
  untold(names: Iterable<string>): string[];
  /** They are in the set. */
  told(names: readonly string[]): void;
  /** It may be taken out of the set from now on. */
  forget(name: string): void;
}

/** `keptMs`: for how long at least Redis keeps what a name stands for; the name is told again before that is over. */
export function createToldNames(keptMs = Number.POSITIVE_INFINITY, now = () => performance.now()): ToldNames {
  const forMs = Math.min(TOLD_FOR_MS, keptMs / 2);
  const toldAt = new Map<string, number>();
  return {
    untold(names) {
      const at = now();
      for (const [name, since] of toldAt) if (at - since >= forMs) toldAt.delete(name);
      return [...names].filter((name) => !toldAt.has(name));
    },
    told(names) {
      const at = now();
      for (const name of names) toldAt.set(name, at);
    },
    forget: (name) => void toldAt.delete(name),
  };
}
