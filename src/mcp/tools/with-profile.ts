import type { AgentProfile } from '../../shared/agents/profile.js';
import { UserError } from '../../shared/errors.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { Pool } from '../../shared/pool.js';
import type { AgentSetup } from '../../shared/run.js';
import type { Submission } from './submit.js';

/** A submission with everything that its agent's profile adds. */
export type ProfiledSubmission = Submission & { readonly runner: string };

/** Adds what the profile of the agent says, if it has one; what the caller says wins. Throws without any runner. */
export async function withProfile(pool: Pool, submission: Submission): Promise<ProfiledSubmission> {
  const { agentName, runner } = submission;
  const profile = agentName === undefined ? undefined : await pool.agents.find(agentName);
  if (profile) return applied(profile, submission);
  if (runner !== undefined) return { ...submission, runner };
  throw new UserError(
    'invalid_argument',
    agentName === undefined
      ? 'runner: it is missing'
      : `runner: it is missing, and there is no agent ${agentName} whose profile would say it`,
    'Give a runner, or the agentName of a stored agent; list_agents shows those, pool_status the runners.',
  );
}

function applied(profile: AgentProfile, submission: Submission): ProfiledSubmission {
  const { runner, mode, model, path, timeoutMs, silenceTimeoutMs } = profile;
  const sameRunner = submission.runner === undefined || submission.runner === runner;
  const defaults = {
    runner,
    path,
    timeoutMs,
    silenceTimeoutMs,
    ...(sameRunner && { mode, model }), // another program has other models
  };
  const given = omitUndefined(defaults);
  return {
    ...(given as typeof defaults & { runner: string }),
    ...submission,
    setup: setupOf(profile),
  } as ProfiledSubmission;
}

function setupOf({ prompt, env, mcpServers, fallbacks }: AgentProfile): AgentSetup {
  return {
    systemPrompt: prompt,
    ...(env && { env }),
    ...(mcpServers && { mcpServers }),
    ...(fallbacks && { fallbacks }),
  };
}
