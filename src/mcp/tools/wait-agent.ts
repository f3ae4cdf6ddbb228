import { z } from 'zod';
import { type WaitedView, waitFor } from '../../client/wait.js';
import { isStuck, waitingInWords } from '../../client/waiting-for.js';
import { UserError } from '../../shared/errors.js';
import { MOST_RUNS, waitedShape, waitTimeout } from '../shapes/waited.js';
import { whichRun } from '../shapes/which-run.js';
import { defineTool, READS } from '../tool.js';

/** Nobody can start it for now, so it makes no sense to ask at once (ms). */
const STUCK_POLL_MS = 30_000;

function goOn({ status, waitingFor }: WaitedView): string {
  if (waitingFor && isStuck(waitingFor)) return `Nobody can start it for now. ${waitingInWords(waitingFor)}`;
  const why = waitingFor ? `: ${waitingFor.message}` : '';
  return `Still ${status}${why}. Call wait_agent again to go on waiting, or stream_agent_output with nextCursor to follow it.`;
}

export const waitAgent = defineTool({
  name: 'wait_agent',
  title: 'Wait for runs',
  description:
    'Waits for the end of one run or of several and answers with the result. If the time is up first (timedOut), the run goes on: call wait_agent again. Never ends a run.',
  input: z.strictObject({
    ...whichRun,
    runIds: z.array(z.string().min(1)).min(1).max(MOST_RUNS).optional().describe('Several runs, instead of runId'),
    mode: z.enum(['all', 'any']).default('all').describe('With runIds: wait for all, or for the first to end'),
    timeoutMs: waitTimeout,
  }),
  // What decides comes first.
  output: waitedShape.pick({ runId: true, status: true }).extend({
    timedOut: z.boolean().describe('The time was up first; the run goes on'),
    hint: z.string().optional(),
    ...waitedShape.omit({ runId: true, status: true }).shape,
    pollAfterMs: z.number().int().describe('When it makes sense to ask again (ms); 0: at once, with wait_agent'),
    runs: z.array(waitedShape).optional().describe('With several runs, each of them'),
  }),
  tells: ['status', 'result', 'failure', 'timedOut', 'hint', 'waitingFor', 'nextCursor', 'runs'],
  claude: { alwaysLoad: true, longAnswers: true },
  annotations: READS,
  scope: 'read',
  waitsMs: ({ timeoutMs }) => timeoutMs,
  handle: async ({ runIds, mode, timeoutMs, ...which }, context) => {
    if (runIds && (which.runId ?? which.agentName) !== undefined)
      throw new UserError('invalid_argument', 'runIds excludes runId and agentName', 'Put all of them into runIds.');
    const most = Math.min(timeoutMs, context.waitCapMs);
    const { deciding, views, timedOut } = await waitFor(context, runIds ?? which, mode, most, true);
    return {
      ...deciding,
      timedOut,
      pollAfterMs: timedOut && isStuck(deciding.waitingFor) ? STUCK_POLL_MS : 0,
      ...(timedOut && { hint: goOn(deciding) }),
      ...(runIds && { runs: views }),
    };
  },
});
