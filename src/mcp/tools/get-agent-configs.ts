import { z } from 'zod';
import { agentInFull, agentsInFull } from '../../client/agents.js';
import { agentShape, unreadableShape } from '../shapes/agent-shape.js';
import { agentNameArgument } from '../shapes/which-run.js';
import { defineTool, READS } from '../tool.js';

export const getAgentConfigs = defineTool({
  name: 'get_agent_configs',
  title: 'Profiles of agents',
  description:
    'The profile of one agent in full, or of all of them. Secrets are not in it, only the names of variables.',
  input: z.strictObject({ name: agentNameArgument.optional().describe('The agent; without it, all of them') }),
  output: z.object({ agents: z.array(agentShape), unreadable: unreadableShape }),
  annotations: READS,
  scope: 'admin',
  handle: async ({ name }, context) =>
    name === undefined ? agentsInFull(context) : { agents: [await agentInFull(context, name)] },
});
