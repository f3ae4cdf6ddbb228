import { z } from 'zod';
import { changeAgent } from '../../client/agents.js';
import { changesShape, REMOVABLE } from '../../shared/agents/check-profile.js';
import { profileShape } from '../../shared/agents/profile.js';
import { agentShape } from '../shapes/agent-shape.js';
import { defineTool } from '../tool.js';

export const updateAgentConfig = defineTool({
  name: 'update_agent_config',
  title: 'Change an agent',
  description:
    'Changes parts of a stored agent; what is not given stays. With revision, only if nobody else has changed it meanwhile.',
  input: z.strictObject({
    name: profileShape.name,
    ...changesShape,
    remove: z.array(z.enum(REMOVABLE)).optional().describe('Parts to take away altogether'),
    revision: z.number().int().min(1).optional().describe('Change it only if it still has this revision'),
  }),
  output: agentShape,
  tells: ['name', 'revision', 'variables'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'admin', // it decides what others run, and which variables of the workers go where
  handle: ({ name, revision, remove = [], ...changes }, context) => {
    const removed = Object.fromEntries(remove.map((part) => [part, null]));
    return changeAgent(context, name, { ...changes, ...removed }, revision);
  },
});
