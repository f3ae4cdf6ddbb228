import { z } from 'zod';
import { listOfAgents } from '../../client/agents.js';
import { labelsArgument } from '../../shared/agents/profile.js';
import { agentLineShape, unreadableShape } from '../shapes/agent-shape.js';
import { defineTool, READS } from '../tool.js';

export const listAgents = defineTool({
  name: 'list_agents',
  title: 'List agents',
  description: 'Lists the stored agents with their runners; get_agent_configs has them in full.',
  input: z.strictObject({
    runner: z.string().optional().describe('Only of this runner'),
    labels: labelsArgument.optional().describe('Only with all of these labels'),
  }),
  output: z.object({ agents: z.array(agentLineShape), unreadable: unreadableShape }),
  tells: ['agents'],
  claude: { longAnswers: true },
  annotations: READS,
  scope: 'read',
  handle: async (query, context) => listOfAgents(context, query),
});
