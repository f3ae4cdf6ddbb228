import { z } from 'zod';
import { statusOf } from '../../client/status.js';
import { activityShape } from '../shapes/activity.js';
import { runShape } from '../shapes/run-shape.js';
import { whichRun } from '../shapes/which-run.js';
import { defineTool, READS } from '../tool.js';

export const getAgentStatus = defineTool({
  name: 'get_agent_status',
  title: 'Status of a run',
  description:
    'Tells everything about one run now, without waiting: status, result or failure, what it has done, why it waits, session, times.',
  input: z.strictObject({
    ...whichRun,
    tailBytes: z
      .number()
      .int()
      .min(0)
      .max(262_144)
      .optional()
      .describe('Also show this much of the end of its raw output (bytes)'),
  }),
  // What decides comes first.
  output: runShape.pick({ runId: true, status: true }).extend({
    result: z.string().optional(),
    failure: runShape.shape.failure,
    activity: activityShape.optional(),
    ...runShape.omit({ runId: true, status: true, failure: true }).shape,
    outputTail: z
      .string()
      .describe('The end of what it printed, as text; without tailBytes empty where the result says it'),
    droppedBy: z.string().optional().describe('The setting by which it was removed'),
    queuePosition: z.number().int().optional(),
    source: z.string().optional().describe('The file of overmind-mcp that told all of this'),
    uncertain: z.boolean().optional().describe('The status is a guess'),
  }),
  tells: ['status', 'result', 'failure', 'activity', 'outputTail', 'waitingFor'],
  claude: { longAnswers: true },
  hasApp: true,
  annotations: READS,
  scope: 'read',
  handle: ({ tailBytes, ...which }, context) => statusOf(context, which, tailBytes),
});
