import { z } from 'zod';
import { changeAgent } from '../../client/agents.js';
import { changesShape } from '../../shared/agents/check-profile.js';
import { profileShape } from '../../shared/agents/profile.js';
import { agentShape } from '../shapes/agent-shape.js';
import { defineTool } from '../tool.js';

export const updateAgentConfig = defineTool({
  name: 'update_agent_config',
  title: 'Change an agent',
  description:
    'Changes what is given of a profile and leaves the rest. Two who change different parts at once lose nothing; with revision it changes only what you have seen.',
  input: z.strictObject({
    name: profileShape.name,
    ...changesShape,
    revision: z.number().int().min(1).optional().describe('Change it only if it still has this revision'),
  }),
  output: agentShape,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'admin', // it decides what others run, and which variables of the workers go where
  handle: ({ name, revision, ...changes }, context) => changeAgent(context, name, changes, revision),
});
