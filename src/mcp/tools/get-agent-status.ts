import { z } from 'zod';
import { statusAnswer } from '../overmind/answers.js';
import { overmindRun } from '../overmind/named-workspace.js';
import { runView, viewOf, waitingFor } from './run-view.js';
import { textOf } from './text.js';
import { defineTool, READS } from './tool.js';
import { findRun, whichRun } from './which-run.js';

export const getAgentStatus = defineTool({
  name: 'get_agent_status',
  title: 'Status of a run',
  description:
    'Everything that is known about a run now: its state, process, session, exit code, failure, times, result, and the end of its output.',
  input: z.strictObject({
    ...whichRun,
    tailBytes: z
      .number()
      .int()
      .min(0)
      .max(262_144)
      .default(2_048)
      .describe('How much of the end of the output to show (bytes)'),
  }),
  output: runView.extend({
    outputTail: z.string(),
    result: z.string().optional(),
    queuePosition: z.number().int().optional(),
    source: z.string().optional().describe('The file of overmind-mcp that told all of this'),
    uncertain: z.boolean().optional().describe('The status is a guess'),
  }),
  annotations: READS,
  scope: 'read',
  handle: async ({ tailBytes, ...which }, { pool, principal }) => {
    const elsewhere = await overmindRun({ pool, principal }, which);
    if (elsewhere) return statusAnswer(elsewhere, tailBytes);
    const run = await findRun({ pool, principal }, which);
    const [tail, result, queuePosition, turn] = await Promise.all([
      tailBytes === 0 ? undefined : pool.runs.tail(run.id, tailBytes, undefined),
      pool.runs.result(run.id),
      run.state === 'queued' ? pool.queues.position(run.id, run.queue) : undefined,
      waitingFor(pool, run),
    ]);
    return {
      ...viewOf(run),
      ...turn,
      outputTail: tail ? textOf(tail.bytes, false) : '',
      ...(result !== undefined && { result }),
      ...(queuePosition !== undefined && { queuePosition }),
    };
  },
});
