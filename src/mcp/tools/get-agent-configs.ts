import { z } from 'zod';
import { agentInFull, agentsInFull } from '../../client/agents.js';
import { agentShape, unreadableShape } from '../shapes/agent-shape.js';
import { agentNameArgument } from '../shapes/which-run.js';
import { defineTool, READS } from '../tool.js';

export const getAgentConfigs = defineTool({
  name: 'get_agent_configs',
  title: 'Profiles of agents',
  description:
    'Shows one stored agent in full, or all of them. Secrets are not in it, only the names of their variables.',
  input: z.strictObject({ name: agentNameArgument.optional().describe('Default: all') }),
  output: z.object({ agents: z.array(agentShape), unreadable: unreadableShape }),
  tells: ['agents'],
  claude: { longAnswers: true },
  annotations: READS,
  scope: 'admin',
  handle: async ({ name }, context) =>
    name === undefined ? agentsInFull(context) : { agents: [await agentInFull(context, name)] },
});
