/** A small generator with a seed (mulberry32): the same seed makes the same plan on every machine. */
function randomFrom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

/** How runs end, and how often. */
const ENDINGS = ['exit-0', 'exit-0', 'exit-0', 'exit-n', 'signal', 'kill', 'kill', 'time-limit', 'leftovers'];
/** What goes wrong, and how often: each plan has its share of every kind. */
const FAULTS = [
  ['worker-kill', 8],
  ['worker-pause', 5],
  ['worker-stop', 3],
  ['redis-cut', 5],
  ['redis-kill', 2],
  ['redis-silent', 3],
  ['redis-failover', 2],
  ['redis-readonly', 1],
  ['redis-noreplicas', 1],
  ['redis-full', 1],
  ['mcp-kill', 3],
].flatMap(([kind, weight]) => Array(weight).fill(kind));
const FAULTS_A_MINUTE = 36;

/** The host of each worker: the first has two, which take over from each other. */
const WORKERS = [0, 0, 1, 2];

/** The whole plan: runs by the time they are submitted, faults by the time they happen; milliseconds from the start. */
export function makePlan({ runs, seed, minutes }) {
  const random = randomFrom(seed);
  const length = minutes * 60_000;
  const faults = Math.max(FAULTS.length, Math.round(minutes * FAULTS_A_MINUTE));
  return {
    workers: WORKERS,
    length,
    runs: Array.from({ length: runs }, (_, number) => makeRun(random, number, length)).sort((a, b) => a.at - b.at),
    faults: Array.from({ length: faults }, (_, number) => makeFault(random, number, length)).sort(
      (a, b) => a.at - b.at,
    ),
  };
}

function makeRun(random, number, length) {
  const ending = random.pick(ENDINGS);
  const everyMs = random.pick([0, 5, 20, 50, 100]);
  const seconds = random.between(1, 15);
  return {
    number,
    at: random.between(0, Math.floor(length * 0.85)),
    ending,
    everyMs,
    count: everyMs === 0 ? random.between(1_000, 50_000) : Math.ceil((seconds * 1_000) / everyMs),
    bytes: random.pick([40, 100, 400]),
    exitCode: ending === 'exit-n' ? random.between(1, 99) : 0,
    killAfterMs: random.between(0, 12_000),
    timeoutMs: ending === 'time-limit' ? random.between(1_000, 10_000) : undefined,
  };
}

function makeFault(random, number, length) {
  const kind = FAULTS[number % FAULTS.length];
  return {
    at: random.between(2_000, Math.floor(length * 0.95)),
    kind,
    worker: random.between(0, WORKERS.length - 1),
    /** Until the worker is started again, the pause ends, or Redis is started again. */
    forMs: kind === 'redis-kill' ? random.between(200, 12_000) : random.between(100, 6_000),
  };
}
