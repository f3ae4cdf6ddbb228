import { z } from 'zod';
import { UserError } from '../../shared/errors.js';
import type { Pool } from '../../shared/pool.js';
import { LOCAL, maySee, type Principal } from '../../shared/principal.js';
import { AGENT_NAME, type Run } from '../../shared/run.js';
import type { RunFilter } from '../../shared/run-store/indexes.js';
import type { Caller } from './tool.js';

export const agentNameArgument = z.string().regex(AGENT_NAME, 'must be 1 to 64 letters, digits, dashes or underscores');

export const configArgument = z
  .string()
  .min(1)
  .max(4_096)
  .optional()
  .describe(
    'A workspace of overmind-mcp on the machine of this server, which is looked at when the pool knows nothing of agentName',
  );

/** How every tool that takes a run names it. */
export const whichRun = {
  runId: z.string().min(1).optional().describe('The run, by its id'),
  agentName: agentNameArgument.optional().describe('Instead of runId: the latest run of this agent name'),
  runner: z.string().optional().describe('With agentName: the latest run with this runner'),
  config: configArgument,
};

export interface WhichRun {
  readonly runId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly runner?: string | undefined;
  readonly config?: string | undefined;
}

const LOOK = 'list_runs (agentpool runs) shows the runs there are; records are kept for 30 days after the end.';

/** A run by its id, whoever asks. Throws a UserError when there is none. */
export async function runById(pool: Pool, runId: string): Promise<Run> {
  const run = await pool.runs.get(runId);
  if (run) return run;
  throw new UserError('unknown_run', `there is no run ${runId}`, LOOK);
}

/** The filter that leaves a principal the runs it may see. */
export function seenBy({ name, scopes }: Principal): Pick<RunFilter, 'principal'> {
  return scopes.includes('admin') ? {} : { principal: name };
}

/** The run that a caller means. Throws a UserError when there is none; those of others are not there for it. */
export async function findRun({ pool, principal }: Caller, { runId, agentName, runner }: WhichRun): Promise<Run> {
  if (runId !== undefined) {
    const run = await runById(pool, runId);
    if (maySee(principal, run.principal)) return run;
    throw new UserError('unknown_run', `there is no run ${runId}`, LOOK);
  }
  if (agentName === undefined)
    throw new UserError('invalid_argument', 'neither runId nor agentName is given', 'Name the run by one of them.');
  const run = await pool.runs.latest(agentName, { ...seenBy(principal), ...(runner !== undefined && { runner }) });
  if (run) return run;
  const which = runner === undefined ? '' : ` with runner ${runner}`;
  throw new UserError('unknown_run', `there is no run of agent ${agentName}${which}`, LOOK);
}

/** The run that a person on this machine names: by its id, a unique beginning of it, or an agent name. */
export async function findRunByName(pool: Pool, name: string): Promise<Run> {
  const exact = await pool.runs.get(name);
  if (exact) return exact;
  if (AGENT_NAME.test(name)) {
    const latest = await pool.runs.latest(name);
    if (latest) return latest;
  }
  const ids = await pool.runs.indexes.withPrefix(name);
  if (ids.length > 1) throw new UserError('ambiguous_run', `several runs begin with ${name}`, 'Give more of the id.');
  return findRun({ pool, principal: LOCAL }, { runId: ids[0] ?? name });
}
