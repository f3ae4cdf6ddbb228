import type { AgentProfile } from '../shared/agents/profile.js';
import { UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import { type AgentSetup, type Labels, MOST_LABELS, type RunRequest } from '../shared/run.js';
import { canonical, MOST_REQUIREMENTS } from '../shared/workers/labels.js';

/** What a caller says about a run that it wants; `autoResume` and `clientToken` are resolved when it is submitted. */
export interface Submission extends Omit<RunRequest, 'agentName' | 'principal' | 'runner' | 'setup'> {
  /** By default that of the agent's profile. */
  readonly runner?: string;
  readonly agentName?: string;
  /** Resume the latest session of this agent name and runner, if there is one. */
  readonly autoResume?: boolean;
  /** The same token of the same principal answers with the same run and never starts a second one. */
  readonly clientToken?: string;
}

/** What the profile of its agent adds to a submission. */
export interface Profiled {
  readonly runner: string;
  readonly setup?: AgentSetup;
}

/** Adds what the profile of the agent says, if it has one; what the caller says wins. Throws without any runner. */
export async function withProfile(pool: Pool, submission: Submission): Promise<Submission & Profiled> {
  const { agentName, runner } = submission;
  const profile = agentName === undefined ? undefined : await pool.agents.find(agentName);
  if (profile)
    return {
      ...defaultsOf(profile, runner),
      ...submission,
      ...labelsOf(profile, submission),
      ...requirementsOf(profile, submission),
      runner: runner ?? profile.runner,
    };
  if (runner !== undefined) return { ...submission, runner };
  throw new UserError(
    'invalid_argument',
    agentName === undefined ? 'it is missing' : `it is missing, and there is no agent ${agentName} with one`,
    'Give a runner, or the name of a stored agent; pool_status (agentpool workers) shows the runners, list_agents (agentpool agents list) the agents.',
    'runner',
  );
}

function defaultsOf(profile: AgentProfile, askedRunner: string | undefined) {
  const { runner, mode, model, path, timeoutMs, silenceTimeoutMs } = profile;
  const sameRunner = askedRunner === undefined || askedRunner === runner;
  return {
    ...omitUndefined({ path, timeoutMs, silenceTimeoutMs }),
    ...(sameRunner && omitUndefined({ mode, model })), // another program has other models
    setup: setupOf(profile),
  };
}

function labelsOf(profile: AgentProfile, submission: Submission): { labels?: Labels } {
  const labels = { ...profile.labels, ...submission.labels };
  const count = Object.keys(labels).length;
  if (count > MOST_LABELS)
    throw new UserError(
      'invalid_argument',
      `with those of agent ${profile.name} there are ${count}, and ${MOST_LABELS} are allowed`,
      'Give fewer.',
      'labels',
    );
  return count === 0 ? {} : { labels };
}

/** An agent that needs something needs it in every run. */
function requirementsOf(profile: AgentProfile, submission: Submission): { requires?: readonly string[] } {
  const requires = canonical([...(profile.requires ?? []), ...(submission.requires ?? [])]);
  if (requires.length > MOST_REQUIREMENTS)
    throw new UserError(
      'invalid_argument',
      `with those of agent ${profile.name} there are ${requires.length}, and ${MOST_REQUIREMENTS} are allowed`,
      'Give fewer.',
      'requires',
    );
  return requires.length === 0 ? {} : { requires };
}

function setupOf({ prompt, env, mcpServers, fallbacks }: AgentProfile): AgentSetup {
  return { systemPrompt: prompt, ...omitUndefined({ env, mcpServers, fallbacks }) };
}
