import { z } from 'zod';
import { agentLine, withIsoTimes } from './agent-view.js';
import { defineTool, READS } from './tool.js';

export const listAgents = defineTool({
  name: 'list_agents',
  title: 'List agents',
  description: 'The stored agents by name, with their runners; get_agent_configs has their profiles in full.',
  input: z.strictObject({ runner: z.string().optional().describe('Only those of this runner') }),
  output: z.object({ agents: z.array(agentLine) }),
  annotations: READS,
  scope: 'read',
  handle: async ({ runner }, { pool }) => {
    const agents = await pool.agents.list();
    return { agents: agents.filter((agent) => runner === undefined || agent.runner === runner).map(withIsoTimes) };
  },
});
