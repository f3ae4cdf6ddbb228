import { z } from 'zod';
import { profileShape, variablesOf } from '../../shared/agents/profile.js';
import { PROVIDER_EXAMPLES } from './provider-examples.js';
import { defineTool, READS } from './tool.js';
import { agentNameArgument } from './which-run.js';

export const configExample = defineTool({
  name: 'config_example',
  title: 'An example of a profile',
  description:
    'A ready profile for a provider of models, for create_agent, and the lines that the environment of the workers needs for it.',
  input: z.strictObject({
    provider: z.enum(PROVIDER_EXAMPLES.map(({ provider }) => provider)),
    name: agentNameArgument.optional().describe('The name of the agent; by default that of the provider'),
  }),
  output: z.object({
    provider: z.string(),
    title: z.string(),
    profile: z.object(profileShape).describe('The arguments of create_agent'),
    variables: z.array(z.string()).describe('What the environment of a worker has to have'),
    dotEnv: z.string().describe("The lines for the workers' .env, with the secrets left to fill in"),
    note: z.string(),
  }),
  annotations: READS,
  scope: 'read',
  handle: async ({ provider, name = provider }) => {
    const example = PROVIDER_EXAMPLES.find((one) => one.provider === provider);
    if (!example) throw new Error(`there is no example for ${provider}`);
    const variables = variablesOf(example.profile);
    return {
      provider,
      title: example.title,
      profile: { name, ...example.profile },
      variables,
      dotEnv: variables.map((variable) => `${variable}=...\n`).join(''),
      note: example.note,
    };
  },
});
