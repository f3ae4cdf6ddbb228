import { UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import { maySee, type Principal } from '../shared/principal.js';
import { AGENT_NAME, type Run } from '../shared/run.js';
import type { RunFilter } from '../shared/run-store/indexes.js';
import type { Caller } from './caller.js';

/** How a run is named: by its id or a unique beginning of it, or as the latest one of an agent name, with a runner if given. */
export interface WhichRun {
  readonly runId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly runner?: string | undefined;
}

const unknown = (what: string) =>
  new UserError(
    'unknown_run',
    `there is no run ${what}`,
    'list_runs (agentpool runs) shows the runs there are; records are kept for 30 days after the end.',
  );

/** A run by its id, whoever asks. Throws a UserError when there is no such run. */
export async function runById(pool: Pool, runId: string): Promise<Run> {
  const run = await pool.runs.get(runId);
  if (run) return run;
  throw unknown(runId);
}

/** The filter that leaves a principal the runs it may see. */
export function seenBy({ name, scopes }: Principal): Pick<RunFilter, 'principal'> {
  return scopes.includes('admin') ? {} : { principal: name };
}

/** The run that a caller means. Throws a UserError when there is no such run; those of others are not there for it. */
export async function findRun(caller: Caller, { runId, agentName, runner }: WhichRun): Promise<Run> {
  const { pool, principal } = caller;
  if (runId !== undefined) {
    const named = await runByBeginning(caller, runId);
    checkAgrees(named, { agentName, runner });
    return named;
  }
  if (agentName === undefined)
    throw new UserError('invalid_argument', 'neither runId nor agentName is given', 'Name the run by one of them.');
  const run = await pool.runs.latest(agentName, { ...seenBy(principal), ...omitUndefined({ runner }) });
  if (run) return run;
  throw unknown(`of agent ${agentName}${runner === undefined ? '' : ` with runner ${runner}`}`);
}

/** Throws a UserError where what is given besides the id is not true of the run: one of them is not what was meant. */
function checkAgrees(run: Run, { agentName = run.agentName, runner = run.runner }: WhichRun): void {
  if (agentName === run.agentName && runner === run.runner) return;
  const what =
    agentName === run.agentName ? `runner ${run.runner}, not ${runner}` : `agent ${run.agentName}, not ${agentName}`;
  throw new UserError(
    'invalid_argument',
    `run ${run.id} is of ${what}`,
    'Give only runId, or only agentName (with runner) for the latest run of that name.',
    agentName === run.agentName ? 'runner' : 'agentName',
  );
}

/** Less of an id may be anybody's, by chance. */
const LEAST_BEGINNING = 6;

async function runByBeginning(caller: Caller, id: string): Promise<Run> {
  const { pool, principal } = caller;
  const run = await pool.runs.get(id);
  if (run && maySee(principal, run.principal)) return run;
  const [first, second] = id.length < LEAST_BEGINNING ? [] : await visibleRuns(caller, id);
  if (second) throw ambiguous(id);
  if (first) return first;
  throw unknown(id);
}

const ambiguous = (beginning: string) =>
  new UserError('ambiguous_run', `several runs begin with ${beginning}`, 'Give more of the id.');

/** The runs, at most three, whose ids begin so, as far as the caller may see them. */
export async function visibleRuns({ pool, principal }: Caller, beginning: string): Promise<Run[]> {
  const ids = await pool.runs.indexes.withPrefix(beginning);
  const found = await Promise.all(ids.map((id) => pool.runs.get(id)));
  return found.flatMap((run) => (run && maySee(principal, run.principal) ? [run] : []));
}

/** The run that a person names: by its id, a unique beginning of it, or an agent name. Throws a UserError. */
export async function findRunByName(caller: Caller, name: string): Promise<Run> {
  const { pool, principal } = caller;
  const visible = (run: Run | undefined) => (run && maySee(principal, run.principal) ? run : undefined);
  const exact = visible(await pool.runs.get(name));
  if (exact) return exact;
  if (AGENT_NAME.test(name)) {
    const latest = await pool.runs.latest(name, seenBy(principal));
    if (latest) return latest;
  }
  const [first, second] = await visibleRuns(caller, name);
  if (second) throw ambiguous(name);
  if (first) return first;
  throw unknown(name);
}
