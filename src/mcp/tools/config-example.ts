import { z } from 'zod';
import { type AgentExample, agentExample } from '../../client/agents.js';
import { PROVIDER_EXAMPLES } from '../../client/provider-examples.js';
import { profileShape } from '../../shared/agents/profile.js';
import { agentNameArgument } from '../shapes/which-run.js';
import { defineTool, READS } from '../tool.js';

export const configExample = defineTool({
  name: 'config_example',
  title: 'An example of a profile',
  description:
    'Gives a ready profile for a model provider, to pass to create_agent, and the variables that the workers need for it.',
  input: z.strictObject({
    provider: z.enum(PROVIDER_EXAMPLES.map(({ provider }) => provider)),
    name: agentNameArgument.optional().describe('Name of the agent; default: the provider'),
  }),
  output: z.object({
    provider: z.string(),
    title: z.string(),
    profile: z.object(profileShape).describe('The arguments of create_agent'),
    variables: z.array(z.string()).describe('What the environment of a worker has to have'),
    dotEnv: z.string().describe("The lines for the workers' .env, with the secrets left to fill in"),
    note: z.string(),
  } satisfies Record<keyof AgentExample, z.ZodType>),
  tells: ['profile', 'dotEnv', 'note'],
  annotations: READS,
  scope: 'read',
  handle: async ({ provider, name }) => agentExample(provider, name),
});
