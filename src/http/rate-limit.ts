/** How many requests may come at once, in seconds of the rate. */
const BURST_S = 20;
/** After this long without use (ms), the bucket of a name is full again, and the name is forgotten. */
const FORGET_AFTER_MS = BURST_S * 1_000;

/** How much each name may still ask: buckets of tokens that fill up at a rate. In this process only. */
export function openRateLimit(perSecond: number, now: () => number = () => performance.now()) {
  const most = perSecond * BURST_S;
  const buckets = new Map<string, { left: number; at: number }>();
  let swept = now();

  function sweep(at: number): void {
    if (at - swept < FORGET_AFTER_MS) return;
    swept = at;
    for (const [name, bucket] of buckets) if (at - bucket.at >= FORGET_AFTER_MS) buckets.delete(name);
  }

  return {
    /** Takes this many requests out of a name's bucket: 0 if it has them, else the number of seconds until it will. */
    take(name: string, wanted = 1): number {
      const count = Math.min(wanted, most); // what costs more than all of it takes all of it
      const at = now();
      sweep(at);
      const { left, at: before } = buckets.get(name) ?? { left: most, at };
      const filled = Math.min(most, left + ((at - before) / 1_000) * perSecond);
      const enough = filled >= count;
      buckets.set(name, { left: enough ? filled - count : filled, at });
      return enough ? 0 : Math.ceil((count - filled) / perSecond);
    },
  };
}
