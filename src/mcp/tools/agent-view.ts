import { z } from 'zod';
import { profileShape, type StoredProfile, variablesOf } from '../../shared/agents/profile.js';

const stamps = {
  revision: z.number().int().describe('Rises with every change'),
  createdAt: z.number().int(),
  createdAtIso: z.string(),
  updatedAt: z.number().int(),
  updatedAtIso: z.string(),
  variables: z.array(z.string()).describe('What the environment of a worker has to have'),
};

/** A profile as callers see it. Times are milliseconds since the epoch by the clock of Redis, and ISO strings. */
export const agentView = z.object({ ...profileShape, ...stamps });

/** A profile in the list of agents. */
export const agentLine = agentView.pick({
  name: true,
  runner: true,
  description: true,
  model: true,
  mode: true,
  ...(Object.fromEntries(Object.keys(stamps).map((name) => [name, true])) as Record<keyof typeof stamps, true>),
});

const iso = (ms: number) => new Date(ms).toISOString();

/** Adds the times for people to what is kept. */
export function withIsoTimes<Kept extends { createdAt: number; updatedAt: number }>(kept: Kept) {
  return { ...kept, createdAtIso: iso(kept.createdAt), updatedAtIso: iso(kept.updatedAt) };
}

/** What a caller is shown of a profile. */
export function viewOfAgent(profile: StoredProfile): z.infer<typeof agentView> {
  return { ...withIsoTimes(profile), variables: variablesOf(profile) };
}
