import { UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Run, RunRequest } from '../shared/run.js';
import type { Caller } from './caller.js';
import { findRun, type WhichRun } from './find-run.js';
import { type Submitted, submit } from './submit.js';
import { settingThatLetGo } from './what-is-gone.js';

/** What a run was asked for. Throws a UserError where it is not kept any more, or is of a newer release. */
export async function requestOf({ pool }: Caller, run: Run): Promise<RunRequest> {
  const stored = await pool.runs.request(run.id);
  if (stored && 'value' in stored) return stored.value;
  if (stored)
    throw new UserError('newer_release', `run ${run.id} was submitted by a newer release`, 'Update this agentpool.');
  throw new UserError(
    'no_longer_kept',
    `the prompt of run ${run.id} is not kept any more`,
    `${settingThatLetGo(run)} says how long; submit it anew with its prompt.`,
  );
}

/**
 * Submits what a run was asked for once more, as a new run of the caller, at once. What its agent's profile gives, besides
 * what was settled then, is that of now: what an administrator has taken away is not given again. Throws a UserError.
 */
export async function rerun(caller: Caller, which: WhichRun): Promise<Submitted> {
  const run = await findRun(caller, which);
  const { setup, principal: _, delayMs: __, ...asked } = await requestOf(caller, run);
  if (setup && !(await caller.pool.agents.find(asked.agentName)))
    throw new UserError(
      'unknown_agent',
      `agent ${asked.agentName}, whose profile the run had, is not stored any more`,
      'Store it again, or submit the prompt without it.',
    );
  return submit(following(caller, run), asked);
}

/** Goes on in the session of a run with another prompt, as a new run of the caller. Throws a UserError. */
export async function resume(caller: Caller, which: WhichRun, prompt: string): Promise<Submitted> {
  const run = await findRun(caller, which);
  const { sessionId, runner, agentName, mode, model, path, labels, requires } = run;
  if (sessionId === undefined)
    throw new UserError(
      'cannot_resume',
      `run ${run.id} has no session`,
      `${runner} has told none; agentpool rerun submits it once more.`,
    );
  const stored = await caller.pool.runs.request(run.id);
  const clientDirectory = stored && 'value' in stored ? stored.value.clientDirectory : undefined;
  const same = omitUndefined({ mode, model, path, labels, requires, clientDirectory });
  return submit(following(caller, run), { prompt, runner, agentName, sessionId, ...same });
}

/** The run works where the earlier one did, from wherever it is asked for, and its trace is linked with that one's. */
function following({ directory: _, ...caller }: Caller, { trace }: Run): Caller {
  return { ...caller, ...(trace && { follows: trace }) };
}
