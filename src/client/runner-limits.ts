import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import type { PermitUse, RunnerLimit } from '../shared/queues/permits.js';
import type { LivingWorker } from '../shared/workers/workers.js';

/** What the pool allows a runner, and how much of that is in use. */
export type UsedLimit = RunnerLimit & PermitUse;

/** The limits of a runner, as callers see them; `most` 0 means no limit. */
export interface RunnerLimitView {
  readonly runner: string;
  readonly atOnce: { readonly used: number; readonly most: number };
  readonly startsLastMinute: { readonly used: number; readonly most: number };
}

type Telling = Pick<LivingWorker, 'limits'>;

/** What some workers allow a runner: each keeps to its own settings, so the highest counts, and one without has no limit. */
export function limitOf(runner: string, workers: readonly Telling[]): RunnerLimit | undefined {
  const said = workers.map(({ limits = {} }) => (Object.hasOwn(limits, runner) ? limits[runner] : undefined));
  const most = (kind: keyof RunnerLimit) => {
    const numbers = said.map((limit) => limit?.[kind]);
    const known = numbers.filter((one) => one !== undefined);
    return known.length > 0 && known.length === numbers.length ? Math.max(...known) : undefined;
  };
  const limit = omitUndefined({ atOnce: most('atOnce'), startsPerMinute: most('startsPerMinute') });
  return Object.keys(limit).length > 0 ? limit : undefined;
}

/** Asks how much of its limit a runner has in use, once for all who ask by this. */
export function usesOf({ queues }: Pool): (runner: string) => Promise<PermitUse> {
  const asked = new Map<string, Promise<PermitUse>>();
  return (runner) => {
    const use = asked.get(runner) ?? queues.permits.use(runner);
    asked.set(runner, use);
    return use;
  };
}

/** The limits that the living workers keep to, and how much of them is in use, by runner. */
export async function limitsInUse(pool: Pool, all: readonly LivingWorker[]): Promise<RunnerLimitView[]> {
  const workers = all.filter(({ alive }) => alive);
  const names = new Set(workers.flatMap(({ limits = {} }) => Object.keys(limits)));
  const views = [...names].sort().map(async (runner) => {
    const offering = workers.filter(({ runners }) => runners.some(({ name }) => name === runner));
    const { atOnce = 0, startsPerMinute = 0 } = limitOf(runner, offering) ?? {};
    const use = await pool.queues.permits.use(runner);
    const startsLastMinute = { used: use.startsLastMinute, most: startsPerMinute };
    return { runner, atOnce: { used: use.running, most: atOnce }, startsLastMinute };
  });
  return (await Promise.all(views)).filter(({ atOnce, startsLastMinute }) => atOnce.most + startsLastMinute.most > 0);
}

/** A limit in one line. */
export function limitInWords({ atOnce, startsLastMinute }: RunnerLimitView): string {
  const parts = [
    atOnce.most > 0 && `${atOnce.used} of ${atOnce.most} at once in the whole pool`,
    startsLastMinute.most > 0 && `${startsLastMinute.used} of ${startsLastMinute.most} starts in the last minute`,
  ];
  return parts.filter(Boolean).join(', ');
}
