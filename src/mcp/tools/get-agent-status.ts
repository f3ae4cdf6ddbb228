import { z } from 'zod';
import { statusOf } from '../../client/status.js';
import { runShape } from '../shapes/run-shape.js';
import { whichRun } from '../shapes/which-run.js';
import { defineTool, READS } from '../tool.js';

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
  output: runShape.extend({
    outputTail: z.string(),
    result: z.string().optional(),
    queuePosition: z.number().int().optional(),
    source: z.string().optional().describe('The file of overmind-mcp that told all of this'),
    uncertain: z.boolean().optional().describe('The status is a guess'),
  }),
  annotations: READS,
  scope: 'read',
  handle: ({ tailBytes, ...which }, context) => statusOf(context, which, tailBytes),
});
