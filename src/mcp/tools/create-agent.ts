import { z } from 'zod';
import { storeAgent } from '../../client/agents.js';
import { profileShape } from '../../shared/agents/profile.js';
import { agentShape } from '../shapes/agent-shape.js';
import { defineTool } from '../tool.js';

export const createAgent = defineTool({
  name: 'create_agent',
  title: 'Create an agent',
  description:
    'Stores an agent under a name, for run_agent with that agentName: runner, system prompt, model, variables, MCP servers. config_example has ready ones.',
  input: z.strictObject(profileShape),
  output: agentShape,
  tells: ['name', 'revision', 'variables'],
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  scope: 'admin', // it decides what others run, and which variables of the workers go where
  handle: (profile, context) => storeAgent(context, profile),
});
