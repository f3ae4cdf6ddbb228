import { z } from 'zod';
import { agentView, viewOfAgent } from './agent-view.js';
import { defineTool, READS } from './tool.js';
import { agentNameArgument } from './which-run.js';

export const getAgentConfigs = defineTool({
  name: 'get_agent_configs',
  title: 'Profiles of agents',
  description:
    'The profile of one agent in full, or of all of them. Secrets are not in it, only the names of variables.',
  input: z.strictObject({ name: agentNameArgument.optional().describe('The agent; without it, all of them') }),
  output: z.object({ agents: z.array(agentView) }),
  annotations: READS,
  scope: 'read',
  handle: async ({ name }, { pool }) => {
    const found = name === undefined ? await pool.agents.all() : [await pool.agents.get(name)];
    return { agents: found.map(viewOfAgent) };
  },
});
