import { z } from 'zod';
import type { AgentLine, AgentView } from '../../client/agents.js';
import { profileShape } from '../../shared/agents/profile.js';
import type { UnreadableAgent } from '../../shared/agents/stored-profile.js';

const stamps = {
  revision: z.number().int().describe('Rises with every change'),
  createdAt: z.number().int(),
  createdAtIso: z.string(),
  updatedAt: z.number().int(),
  updatedAtIso: z.string(),
  variables: z.array(z.string()).describe('What the environment of a worker has to have'),
};

/** A profile as callers see it. Times are milliseconds since the epoch by the clock of Redis, and ISO strings. */
export const agentShape = z.object({ ...profileShape, ...stamps } satisfies Record<keyof AgentView, z.ZodType>);

const { name, runner, description, model, mode, labels, requires } = profileShape;

/** Agents that are stored and cannot be read. */
export const unreadableShape = z
  .array(z.object({ name: z.string(), problem: z.string() } satisfies Record<keyof UnreadableAgent, z.ZodType>))
  .optional()
  .describe('Agents that this release cannot read, and why: mostly, a newer one has stored them');

/** A profile in the list of agents. */
export const agentLineShape = z.object({
  name,
  runner,
  description,
  model,
  mode,
  labels,
  requires,
  ...stamps,
} satisfies Record<keyof AgentLine, z.ZodType>);
