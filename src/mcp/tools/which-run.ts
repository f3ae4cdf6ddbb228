import { z } from 'zod';
import { UserError } from '../../shared/errors.js';
import type { Pool } from '../../shared/pool.js';
import { AGENT_NAME, type Run } from '../../shared/run.js';

export const agentNameArgument = z.string().regex(AGENT_NAME, 'must be 1 to 64 letters, digits, dashes or underscores');

/** How every tool that takes a run names it. */
export const whichRun = {
  runId: z.string().min(1).optional().describe('The run, by its id'),
  agentName: agentNameArgument.optional().describe('Instead of runId: the latest run of this agent name'),
  runner: z.string().optional().describe('With agentName: the latest run with this runner'),
};

export interface WhichRun {
  readonly runId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly runner?: string | undefined;
}

const LOOK = 'list_runs shows the runs there are; records are kept for 30 days after the end.';

/** The run that a caller means. Throws a UserError when there is none. */
export async function findRun(pool: Pool, { runId, agentName, runner }: WhichRun): Promise<Run> {
  if (runId !== undefined) {
    const run = await pool.runs.get(runId);
    if (run) return run;
    throw new UserError('unknown_run', `there is no run ${runId}`, LOOK);
  }
  if (agentName === undefined)
    throw new UserError('invalid_argument', 'neither runId nor agentName is given', 'Name the run by one of them.');
  const run = await pool.runs.latest(agentName, runner);
  if (run) return run;
  const which = runner === undefined ? '' : ` with runner ${runner}`;
  throw new UserError('unknown_run', `there is no run of agent ${agentName}${which}`, LOOK);
}

/** The run that a person names: by its id, a unique beginning of it, or an agent name. */
export async function findRunByName(pool: Pool, name: string): Promise<Run> {
  const exact = await pool.runs.get(name);
  if (exact) return exact;
  if (AGENT_NAME.test(name)) {
    const latest = await pool.runs.latest(name);
    if (latest) return latest;
  }
  const ids = await pool.runs.indexes.withPrefix(name);
  if (ids.length > 1) throw new UserError('ambiguous_run', `several runs begin with ${name}`, 'Give more of the id.');
  return findRun(pool, { runId: ids[0] ?? name });
}
