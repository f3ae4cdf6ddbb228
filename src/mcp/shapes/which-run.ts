import { z } from 'zod';
import { AGENT_NAME } from '../../shared/run.js';

export const agentNameArgument = z.string().regex(AGENT_NAME, 'must be 1 to 64 letters, digits, dashes or underscores');

export const configArgument = z
  .string()
  .min(1)
  .max(4_096)
  .optional()
  .describe(
    'A workspace of overmind-mcp on the machine of this server, which is looked at when the pool knows nothing of agentName',
  )
  .meta({ advertised: false });

/** How every tool that takes a run names it. */
export const whichRun = {
  runId: z.string().min(1).optional().describe('The id of the run'),
  agentName: agentNameArgument.optional().describe('Instead of runId: the latest run of this agent'),
  runner: z.string().optional().describe('With agentName: its latest run with this runner'),
  config: configArgument,
};
