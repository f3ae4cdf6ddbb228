/** `AGENTPOOL_CONCURRENCY`: all runners together, or by runner. */
export type Concurrency = number | Readonly<Record<string, number>>;

/** A runner that a per-runner setting does not name gets this many. */
const UNNAMED = 1;

/**
 * How many runs a worker may have at once, by a setting or by what follows from the runners that it has now, and of one runner no more than that can bear; `onChange` is called when a slot
 * was taken or released.
 */
export function createSlots(
  given: Concurrency | (() => Concurrency),
  onChange: () => void = () => {},
  mostOf: (runner: string) => number | undefined = () => undefined,
) {
  const used = new Map<string, number>();
  const set = (runner: string, count: number) => {
    used.set(runner, Math.max(0, count));
    onChange();
  };
  const now = typeof given === 'function' ? given : () => given;
  const total = () => [...used.values()].reduce((sum, count) => sum + count, 0);
  const limitOf = (runner: string) => {
    const concurrency = now();
    const ofIt =
      typeof concurrency === 'number' ? concurrency : Object.hasOwn(concurrency, runner) && concurrency[runner];
    const wanted = typeof ofIt === 'number' ? ofIt : UNNAMED;
    return Math.min(wanted, mostOf(runner) ?? wanted);
  };
  /** How many more runs of a runner may be, with those that are about to take a slot: of it, and of all. */
  const room = (runner: string, coming: { readonly ofIt: number; readonly all: number }) => {
    const concurrency = now();
    const ofIt = limitOf(runner) - (used.get(runner) ?? 0) - coming.ofIt;
    return Math.max(0, typeof concurrency === 'number' ? Math.min(ofIt, concurrency - total() - coming.all) : ofIt);
  };
  return {
    room,
    isFree: (runner: string) => room(runner, { ofIt: 0, all: 0 }) > 0,
    /** Adopted runs take slots even when none is free: their programs run anyway. */
    take: (runner: string) => set(runner, (used.get(runner) ?? 0) + 1),
    release: (runner: string) => set(runner, (used.get(runner) ?? 0) - 1),
    used: total,
    /** All runs at once, given what the worker can run. */
    capacity(runners: readonly string[]): number {
      const concurrency = now();
      return typeof concurrency === 'number' ? concurrency : runners.reduce((sum, runner) => sum + limitOf(runner), 0);
    },
  };
}
export type Slots = ReturnType<typeof createSlots>;
