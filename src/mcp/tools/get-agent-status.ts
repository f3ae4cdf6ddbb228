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
    'Everything that is known about a run now: its state, result, failure, what it has done, process, session, exit code and times.',
  input: z.strictObject({
    ...whichRun,
    tailBytes: z
      .number()
      .int()
      .min(0)
      .max(262_144)
      .optional()
      .describe('Show so much of the end of the output as it is (bytes)'),
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
    queuePosition: z.number().int().optional(),
    source: z.string().optional().describe('The file of overmind-mcp that told all of this'),
    uncertain: z.boolean().optional().describe('The status is a guess'),
  }),
  annotations: READS,
  scope: 'read',
  handle: ({ tailBytes, ...which }, context) => statusOf(context, which, tailBytes),
});
