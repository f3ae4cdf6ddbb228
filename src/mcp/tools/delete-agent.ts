import { z } from 'zod';
import { removeAgent } from '../../client/agents.js';
import { agentNameArgument } from '../shapes/which-run.js';
import { defineTool } from '../tool.js';

export const deleteAgent = defineTool({
  name: 'delete_agent',
  title: 'Delete an agent',
  description: 'Deletes a stored agent. Its runs, waiting ones too, keep what they were given.',
  input: z.strictObject({ name: agentNameArgument }),
  output: z.object({ name: z.string(), deleted: z.boolean() }),
  tells: ['deleted'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'admin', // it decides what others run, and which variables of the workers go where
  handle: async ({ name }, context) => {
    await removeAgent(context, name);
    return { name, deleted: true };
  },
});
