import { allProcesses, type ProcessId, type Seen } from './processes.js';

/** How often the processes of the host are looked at: after a start or output, and later (ms). */
const SOON_MS = 20;
const LATER_MS = 1_000;
/** How long a run is looked at often after its start, and after each output (ms). */
const LIVELY_START_MS = 3_000;
const LIVELY_OUTPUT_MS = 300;
/** Looking may take this share of the time of the worker: on a host with many processes it is done less often. */
const MOST_SHARE = 0.05;

const keyOf = ({ pid, start }: ProcessId) => `${pid}:${start}`;

/** All processes by what families are found by: put in order once, for all runs that are looked for among them. */
function kinshipOf(all: readonly Seen[]) {
  return {
    byPid: new Map(all.map((one) => [one.pid, one])),
    byParent: groupedBy(all, ({ parent }) => parent),
    bySession: groupedBy(all, ({ session }) => session),
  };
}
type Kinship = ReturnType<typeof kinshipOf>;

/**
 * Who of all processes belongs to the known ones: they themselves, their children, whoever shares a session with one of
 * them, and so on. A known one is started as its own session or below one that is, so nobody else is in there.
 */
function familyOf({ byPid, byParent, bySession }: Kinship, known: readonly ProcessId[]): Seen[] {
  const family = new Set<Seen>();
  const waiting = known.flatMap((id) => {
    const one = byPid.get(id.pid);
    return one && one.start === id.start ? [one] : [];
  });
  for (let one = waiting.pop(); one; one = waiting.pop()) {
    if (family.has(one)) continue;
    family.add(one);
    waiting.push(...(byParent.get(one.pid) ?? []), ...(one.session > 0 ? (bySession.get(one.session) ?? []) : []));
  }
  return [...family];
}

function groupedBy(all: readonly Seen[], by: (one: Seen) => number): Map<number, Seen[]> {
  const groups = new Map<number, Seen[]>();
  for (const one of all) {
    const group = groups.get(by(one));
    if (group) group.push(one);
    else groups.set(by(one), [one]);
  }
  return groups;
}

/** One run whose processes are followed. */
export interface Followed {
  /** Every living process that is known to descend from it, by a look at all processes. */
  livingAmong(all: readonly Seen[]): ProcessId[];
  /** It has printed, so it may have started something. */
  heard(): void;
  stop(): void;
}

export interface Following {
  /**
   * Follows the descendants of these processes. `onChange` is called with those that live whenever there are new ones.
   */
  follow(roots: readonly ProcessId[], onChange: (living: readonly ProcessId[]) => void): Followed;
  stop(): Promise<void>;
}

interface Family {
  known: ProcessId[];
  livelyUntil: number;
  readonly onChange: (living: readonly ProcessId[]) => void;
}

/**
 * Remembers who descends from the runs while their parents live, since a process that throws its environment away and
 * leaves its parent is not found otherwise. One look at all processes serves all runs; without runs nobody looks.
 */
export function startFollowing(): Following {
  const families = new Set<Family>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const update = (family: Family, all: Kinship) => {
    const before = new Set(family.known.map(keyOf));
    family.known = familyOf(all, family.known)
      .filter(({ pid }) => pid !== process.pid)
      .map(({ pid, start }) => ({ pid, start }));
    if (family.known.some((id) => !before.has(keyOf(id)))) family.onChange(family.known);
  };
  const look = () => {
    timer = undefined;
    const begun = performance.now();
    try {
      const all = kinshipOf(allProcesses());
      for (const family of families) update(family, all);
    } catch {} // without a descriptor, for example; the next look sees what is alive then
    schedule(performance.now() - begun);
  };
  const schedule = (tookMs = 0) => {
    if (timer || stopped || families.size === 0) return;
    const now = performance.now();
    const lively = [...families].some(({ livelyUntil }) => livelyUntil > now);
    timer = setTimeout(look, Math.max(lively ? SOON_MS : LATER_MS, tookMs / MOST_SHARE));
    timer.unref();
  };
  const lookSoon = (family: Family, livelyMs: number) => {
    const now = performance.now();
    const wasLively = [...families].some(({ livelyUntil }) => livelyUntil > now);
    family.livelyUntil = Math.max(family.livelyUntil, now + livelyMs);
    if (wasLively) return schedule();
    clearTimeout(timer);
    timer = undefined;
    schedule();
  };

  return {
    follow(roots, onChange) {
      const family: Family = { known: [...roots], livelyUntil: 0, onChange };
      families.add(family);
      lookSoon(family, LIVELY_START_MS);
      return {
        livingAmong(all) {
          update(family, kinshipOf(all));
          return family.known;
        },
        heard: () => lookSoon(family, LIVELY_OUTPUT_MS),
        stop: () => void families.delete(family),
      };
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
