import { z } from 'zod';
import { profileShape } from '../../shared/agents/profile.js';
import { agentView, viewOfAgent } from './agent-view.js';
import { checkRunner } from './submit.js';
import { defineTool } from './tool.js';

export const createAgent = defineTool({
  name: 'create_agent',
  title: 'Create an agent',
  description:
    'Stores the profile of an agent under a name: runner, system prompt, model, variables, MCP servers. run_agent with that agentName uses it. config_example has ready ones.',
  input: z.strictObject(profileShape),
  output: agentView,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  scope: 'admin', // it decides what others run, and which variables of the workers go where
  handle: async (profile, { pool }) => {
    checkRunner(
      pool,
      { runner: profile.runner, ...(profile.mode && { mode: profile.mode }) },
      await pool.workers.living(),
    );
    return viewOfAgent(await pool.agents.create(profile));
  },
});
