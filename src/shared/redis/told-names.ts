/** After this time (ms) a name is written again, even if it was written before. */
const TOLD_FOR_MS = 60_000;

/** Names that this process has already put into a Redis set, so that not every run writes them again. */
export interface ToldNames {
  /** The names among these that have to be written. */
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
