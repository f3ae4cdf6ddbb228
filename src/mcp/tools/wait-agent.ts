import { z } from 'zod';
import { UserError } from '../../shared/errors.js';
import type { Run } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import { waitAnswer } from '../overmind/answers.js';
import { overmindRun } from '../overmind/named-workspace.js';
import { defineTool, READS } from './tool.js';
import { allEnded, MOST_RUNS, waitedView, waitedViews, waitForRuns, waitTimeout } from './waiting.js';
import { findRun, whichRun } from './which-run.js';

export const waitAgent = defineTool({
  name: 'wait_agent',
  title: 'Wait for runs',
  description:
    'Waits for the end of one run or several. Where the time is up first it is no error: the answer says that the run goes on, and wait_agent can be called again. Giving up the wait never ends a run.',
  input: z.strictObject({
    ...whichRun,
    runIds: z.array(z.string().min(1)).min(1).max(MOST_RUNS).optional().describe('Several runs'),
    mode: z.enum(['all', 'any']).default('all').describe('With several: wait for all of them, or for the first'),
    timeoutMs: waitTimeout,
  }),
  output: waitedView.partial({ runId: true, agentName: true }).extend({
    timedOut: z.boolean().describe('The time was up first; the run goes on'),
    pollAfterMs: z.number().int().describe('When it makes sense to ask again (ms); 0: at once, with wait_agent'),
    hint: z.string().optional(),
    runs: z.array(waitedView).optional().describe('With several runs, each of them'),
  }),
  annotations: READS,
  scope: 'read',
  handle: async ({ runIds, mode, timeoutMs, ...which }, context) => {
    if (runIds && (which.runId ?? which.agentName) !== undefined)
      throw new UserError('invalid_argument', 'runIds excludes runId and agentName', 'Put all of them into runIds.');
    const { pool } = context;
    const elsewhere = await overmindRun(context, which);
    if (elsewhere) return waitAnswer(elsewhere);
    const targets = runIds
      ? await Promise.all(runIds.map((runId) => findRun(context, { runId })))
      : [await findRun(context, which)];
    const isOver = mode === 'all' ? allEnded : anyEnded;
    const runs = await waitForRuns(targets, isOver, timeoutMs, context);
    const deciding = decidingRun(runs, mode);
    const views = await waitedViews(pool, runs);
    const timedOut = !isOver(runs);
    return {
      ...(views.find(({ runId }) => runId === deciding.id) ?? fail()),
      timedOut,
      pollAfterMs: 0,
      ...(timedOut && {
        hint: `Still ${deciding.state}. Call wait_agent again to go on waiting, or stream_agent_output with nextCursor to follow it.`,
      }),
      ...(runIds && { runs: views }),
    };
  },
});

const anyEnded = (runs: readonly Run[]) => runs.some(({ state }) => isEnded(state));

/** The run whose state the answer as a whole has: the first that ended (any), else one that still goes on or went wrong. */
function decidingRun(runs: readonly Run[], mode: 'all' | 'any'): Run {
  const first = runs[0] ?? fail();
  const byEnd = runs.filter(({ endedAt }) => endedAt !== undefined).sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  if (mode === 'any') return byEnd[0] ?? first;
  return runs.find(({ state }) => !isEnded(state)) ?? runs.find(({ state }) => state !== 'done') ?? first;
}

function fail(): never {
  throw new Error('no runs to wait for');
}
