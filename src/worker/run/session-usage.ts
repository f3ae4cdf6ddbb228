import type { Logger } from '../../shared/logger.js';
import type { Usage } from '../../shared/run.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Findings, Runner } from '../../shared/runners/runner.js';
import { again } from '../again.js';

export interface OwnUsage {
  readonly runs: Pick<RunStore, 'get' | 'sessions'>;
  readonly runner: Pick<Runner, 'name' | 'usageOf'>;
  readonly runId: string;
  /** We have let go of the run. */
  readonly left: AbortSignal;
  readonly logger: Logger;
}

/**
 * What was found of a run, with the usage of this run alone: some CLIs tell what the whole session has taken. Without
 * knowing what it had taken before, nothing is said rather than too much.
 */
export async function withOwnUsage(given: OwnUsage, findings: Findings): Promise<Findings> {
  const { runs, runner, runId, left, logger } = given;
  const { usage: total, sessionId, ...rest } = findings;
  if (runner.usageOf !== 'session' || !total || sessionId === undefined) return findings;
  const own = await again(
    async () => {
      const before = await runs.sessions.spend(runner.name, sessionId, runId, total);
      if ((await runs.get(runId))?.resumes === undefined) return total;
      return before && difference(total, before);
    },
    left,
    (error) => logger.warn({ err: error }, 'Redis does not say what the session had taken before; asking again'),
  );
  return { ...rest, sessionId, ...(own && { usage: own }) };
}

/** A session that reports less usage than before has started again. */
function difference(total: Usage, before: Usage): Usage {
  const names = Object.keys(total) as (keyof Usage)[];
  const anew = names.some((name) => (total[name] ?? 0) < (before[name] ?? 0));
  if (anew) return total;
  return Object.fromEntries(names.map((name) => [name, (total[name] ?? 0) - (before[name] ?? 0)]));
}
