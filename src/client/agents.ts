import { checkedChanges, checkedProfile, type ProfileChanges } from '../shared/agents/check-profile.js';
import { type AgentProfile, type ProfileSummary, type StoredProfile, variablesOf } from '../shared/agents/profile.js';
import type { Listed, UnreadableAgent } from '../shared/agents/stored-profile.js';
import { UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Labels } from '../shared/run.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import type { Caller } from './caller.js';
import { checkGiven, checkRunner } from './check-submission.js';
import { PROVIDER_EXAMPLES } from './provider-examples.js';

interface Times {
  readonly createdAtIso: string;
  readonly updatedAtIso: string;
}

/** A stored agent as callers see it, with the variables that the environment of a worker has to have. */
export type AgentView = StoredProfile & Times & { readonly variables: readonly string[] };

/** A stored agent in the list. */
export type AgentLine = ProfileSummary & Times;

const iso = (ms: number) => new Date(ms).toISOString();
const timesOf = ({ createdAt, updatedAt }: StoredProfile | ProfileSummary): Times => ({
  createdAtIso: iso(createdAt),
  updatedAtIso: iso(updatedAt),
});
const viewOfAgent = (profile: StoredProfile): AgentView => ({
  ...profile,
  ...timesOf(profile),
  variables: variablesOf(profile),
});

/** Stored agents, and those that this release cannot read, if there are any. */
export interface FoundAgents<View> {
  readonly agents: readonly View[];
  readonly unreadable?: readonly UnreadableAgent[];
}

function foundAgents<Stored, View>({ agents, unreadable }: Listed<Stored>, view: (of: Stored) => View) {
  const found: FoundAgents<View> = { agents: agents.map(view), ...(unreadable.length > 0 && { unreadable }) };
  return found;
}

/** Which stored agents are wanted; what is not given does not matter. */
export interface AgentQuery {
  readonly runner?: string | undefined;
  /** It has all of these. */
  readonly labels?: Labels | undefined;
}

/** The stored agents that match, by name. */
export async function listOfAgents(
  { pool }: Caller,
  { runner, labels = {} }: AgentQuery = {},
): Promise<FoundAgents<AgentLine>> {
  const { agents, unreadable } = await pool.agents.list();
  const asked = agents.filter(
    (agent) =>
      (runner === undefined || agent.runner === runner) &&
      Object.entries(labels).every(([key, value]) => agent.labels?.[key] === value),
  );
  return foundAgents({ agents: asked, unreadable }, (agent) => ({ ...agent, ...timesOf(agent) }));
}

/** Every stored agent in full. */
export async function agentsInFull({ pool }: Caller): Promise<FoundAgents<AgentView>> {
  return foundAgents(await pool.agents.all(), viewOfAgent);
}

/** One stored agent in full. Throws a UserError when no agent of that name can be read. */
export async function agentInFull({ pool }: Caller, name: string): Promise<AgentView> {
  return viewOfAgent(await pool.agents.get(name));
}

/** Stores an agent. Throws a UserError for a wrong profile, a taken name, an unknown runner, and what may be a secret. */
export async function storeAgent({ pool }: Caller, given: AgentProfile): Promise<AgentView> {
  const profile = checkedProfile(given);
  checkRunner(pool, runnerAndMode(profile), await pool.workers.living());
  checkGiven(pool, profile.runner, profile);
  return viewOfAgent(await pool.agents.create(profile));
}

/** Changes what is given of an agent; with `revision`, only if it is still that one. Throws a UserError. */
export async function changeAgent(
  { pool }: Caller,
  name: string,
  given: ProfileChanges,
  revision?: number,
): Promise<AgentView> {
  const changes = checkedChanges(given);
  if (Object.values(changes).every((value) => value === undefined))
    throw new UserError('invalid_argument', 'nothing is to be changed', 'Give at least one part of the profile.');
  const workers: readonly LivingWorker[] = await pool.workers.living();
  const edit = (before: AgentProfile) => {
    const after = merged(before, changes) as AgentProfile;
    if (changes.runner !== undefined || changes.mode !== undefined) checkRunner(pool, runnerAndMode(after), workers);
    if (changes.runner !== undefined || changes.mcpServers) checkGiven(pool, after.runner, after);
    return after;
  };
  return viewOfAgent(await pool.agents.update(name, edit, revision));
}

/** Removes a stored agent; its runs keep what they were given. Throws a UserError when there is no agent of that name. */
export async function removeAgent({ pool }: Caller, name: string): Promise<void> {
  await pool.agents.remove(name);
}

/** A ready profile for a provider of models, and what its workers need. */
export interface AgentExample {
  readonly provider: string;
  readonly title: string;
  readonly profile: AgentProfile;
  readonly variables: readonly string[];
  /** The lines for the `.env` of the workers, with the secrets left to fill in. */
  readonly dotEnv: string;
  readonly note: string;
}

/** The example for a provider, as an agent of that name. Throws a UserError for a provider without one. */
export function agentExample(provider: string, name = provider): AgentExample {
  const example = PROVIDER_EXAMPLES.find((one) => one.provider === provider);
  if (!example)
    throw new UserError(
      'unknown_provider',
      `there is no example for the provider ${provider}`,
      `There are examples for ${PROVIDER_EXAMPLES.map((one) => one.provider).join(', ')}.`,
    );
  const variables = variablesOf(example.profile);
  return {
    provider,
    title: example.title,
    profile: { name, ...example.profile },
    variables,
    dotEnv: variables.map((variable) => `${variable}=...\n`).join(''),
    note: example.note,
  };
}

const runnerAndMode = ({ runner, mode }: AgentProfile) => ({ runner, ...omitUndefined({ mode: mode || undefined }) });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members of a profile in which each entry is changed by itself. */
const BY_ENTRY: ReadonlySet<string> = new Set(['env', 'mcpServers', 'fallbacks', 'labels']);

/** A profile with its changes: what is undefined stays, what is null goes, records are merged by their entries. */
function merged(before: object, changes: object, byEntry = BY_ENTRY): object {
  const after = new Map<string, unknown>(Object.entries(before));
  for (const [key, change] of Object.entries(changes)) {
    if (change === undefined) continue;
    const old = after.get(key);
    if (change === null) after.delete(key);
    else if (byEntry.has(key) && isRecord(change)) after.set(key, merged(isRecord(old) ? old : {}, change, new Set()));
    else after.set(key, change);
  }
  return Object.fromEntries(after);
}
