import { omitUndefined } from '../shared/omit-undefined.js';
import type { Usage } from '../shared/run.js';
import type { RunSummary } from '../shared/run-store/list.js';
import type { Caller } from './caller.js';
import { seenBy } from './find-run.js';

/** What some runs have come to. */
export interface Tally {
  readonly name: string;
  readonly runs: number;
  readonly done: number;
  /** Ended otherwise than `done` and `killed`. */
  readonly failed: number;
  readonly killed: number;
  /** Of the time from start to end (ms). */
  readonly medianMs?: number;
  readonly usage: Usage;
}

/** Runs of one hour or day. */
export interface Span {
  /** When it begins (ms). */
  readonly from: number;
  readonly done: number;
  readonly failed: number;
  readonly others: number;
}

/** What the runs that a caller may see have come to. */
export interface UsageReport {
  readonly all: Tally;
  readonly byAgent: readonly Tally[];
  readonly byRunner: readonly Tally[];
  readonly byPrincipal: readonly Tally[];
  readonly byDay: readonly Tally[];
  readonly spans: readonly Span[];
  /** There are more runs than were looked at: these are the latest. */
  readonly isPartial: boolean;
}

/** Usage looks at no more runs than this. */
const MOST_RUNS = 20_000;
const SPANS = 24;
/** A look at the last hours counts no more runs than this. */
const MOST_RECENT = 5_000;

/** Sums up the runs of the last so much time (ms) that the caller may see. */
export async function usageOf({ pool, principal }: Caller, lastMs: number): Promise<UsageReport> {
  const now = await pool.runs.now();
  const runs = await pool.runs.summaries(seenBy(principal), MOST_RUNS, now - lastMs);
  return {
    all: tally('all', runs),
    byAgent: tallies(runs, ({ agentName }) => agentName),
    byRunner: tallies(runs, ({ runner }) => runner),
    byPrincipal: tallies(runs, (run) => run.principal),
    byDay: tallies(runs, ({ queuedAt }) => new Date(queuedAt).toISOString().slice(0, 10)).sort((a, b) =>
      b.name.localeCompare(a.name),
    ),
    spans: spansOf(runs, now, lastMs / SPANS),
    isPartial: runs.length === MOST_RUNS,
  };
}

/** How many runs came in each part of the last so much time (ms), of the latest that the caller may see. */
export async function recentSpans({ pool, principal }: Caller, lastMs: number): Promise<readonly Span[]> {
  const now = await pool.runs.now();
  return spansOf(await pool.runs.summaries(seenBy(principal), MOST_RECENT, now - lastMs), now, lastMs / SPANS);
}

const MEMBERS = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'costUsd'] as const;

function tally(name: string, runs: readonly RunSummary[]): Tally {
  const durations = runs.flatMap(({ durationMs }) => durationMs ?? []).sort((a, b) => a - b);
  const total = (member: (typeof MEMBERS)[number]) => {
    const told = runs.flatMap(({ usage }) => usage?.[member] ?? []);
    return told.length === 0 ? undefined : told.reduce((sum, one) => sum + one, 0);
  };
  const count = (...states: string[]) => runs.filter(({ state }) => states.includes(state)).length;
  return {
    name,
    runs: runs.length,
    done: count('done'),
    failed: count('failed', 'timed_out'),
    killed: count('killed'),
    usage: omitUndefined(Object.fromEntries(MEMBERS.map((member) => [member, total(member)]))),
    ...omitUndefined({ medianMs: durations[Math.floor(durations.length / 2)] }),
  };
}

/** By name, those with the most runs first. */
function tallies(runs: readonly RunSummary[], nameOf: (run: RunSummary) => string): Tally[] {
  const groups = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const group = groups.get(nameOf(run));
    if (group) group.push(run);
    else groups.set(nameOf(run), [run]);
  }
  return [...groups].map(([name, group]) => tally(name, group)).sort((a, b) => b.runs - a.runs);
}

function spansOf(runs: readonly RunSummary[], now: number, lengthMs: number): Span[] {
  return Array.from({ length: SPANS }, (_, at) => {
    const from = now - (SPANS - at) * lengthMs;
    const within = runs.filter(({ queuedAt }) => queuedAt >= from && queuedAt < from + lengthMs);
    const done = within.filter(({ state }) => state === 'done').length;
    const failed = within.filter(({ state }) => state === 'failed' || state === 'timed_out').length;
    return { from, done, failed, others: within.length - done - failed };
  });
}
