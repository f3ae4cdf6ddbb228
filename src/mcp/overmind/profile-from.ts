import { z } from 'zod';
import { type AgentProfile, profileShape, referencesIn } from '../../shared/agents/profile.js';
import type { Runner } from '../../shared/runners/runner.js';
import { collectNeeds, type Need } from './references.js';
import { serversFrom } from './servers-from.js';
import type { WorkspaceAgent } from './workspace.js';

/** What overmind took for a runner where none was named. */
export const DEFAULT_RUNNER = 'claude';
/** Where overmind kept the model that it really used; `model` may be a nickname beside it. */
const modelVariables = (runner: string) => (runner === DEFAULT_RUNNER ? ['ANTHROPIC_MODEL'] : ['MODEL', 'KILO_MODEL']);
const TIMEOUT_VARIABLES = ['AGENT_TIMEOUT_MS', 'API_TIMEOUT_MS'];
const FALLBACK = /^AUTH_FALLBACK_[1-9]$/;
/** Best first: what the fallbacks are another value of. */
const CREDENTIALS = [/AUTH_TOKEN$/, /API_KEY$/, /(TOKEN|KEY)$/];
/** Of overmind itself, which the program never read. */
const OWN_VARIABLES = ['AGENT_TIMEOUT_MS', 'MODEL', 'KILO_MODEL'];

export interface MadeProfile {
  readonly profile: AgentProfile;
  readonly needs: readonly Need[];
  /** What was left out or guessed. */
  readonly notes: readonly string[];
}

/** The profile of an agent of overmind, or what is wrong with it. No value of a secret is in the answer. */
export function profileFrom(
  agent: WorkspaceAgent,
  root: string,
  dotEnv: Readonly<Record<string, string | undefined>>,
  runnerOf: (name: string) => Runner | undefined,
): MadeProfile | { problem: string } {
  const { name, file, settings, prompt } = agent;
  const { runner = DEFAULT_RUNNER, env = {}, mode } = settings;
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  if (prompt === undefined) return { problem: `it has no prompt: .claude/agents/${name}.md is missing or empty` };
  if (settings.runner === undefined) note(`no runner is named; ${DEFAULT_RUNNER} is taken`);
  if (settings.cliPath) note('cliPath is left out: the program has to be on the PATH of the workers');
  const modes = runnerOf(runner)?.modes;
  const knownMode = mode !== undefined && modes?.includes(mode);
  if (mode !== undefined && !knownMode) note(`mode ${mode} is left out: ${runner} has ${modes?.join(', ') ?? 'none'}`);

  const needs = collectNeeds(name, dotEnv);
  const own = Object.entries(env).filter(([variable]) => !FALLBACK.test(variable) && !OWN_VARIABLES.includes(variable));
  const kept = needs.keepAll(Object.fromEntries(own), file, [], 'env');
  const fallbacks = Object.entries(env)
    .filter(([variable]) => FALLBACK.test(variable))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([variable, value]) => needs.keep(value, variable, `${file}, env.${variable}`, [], true));
  const credential = CREDENTIALS.flatMap((known) => own.find(([variable]) => known.test(variable))?.[0] ?? [])[0];
  if (fallbacks.length > 0 && !credential)
    note('AUTH_FALLBACK is left out: there is no key or token that it stands in for');
  const mcpServers = serversFrom(agent, needs, note);
  const timeoutMs = timeoutFrom(env);
  const made = {
    name,
    runner,
    prompt,
    path: root,
    ...modelFrom(modelVariables(runner).flatMap((variable) => env[variable] || [])[0] ?? settings.model, dotEnv, note),
    ...(knownMode && { mode }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(own.length > 0 && { env: kept }),
    ...(fallbacks.length > 0 && credential && { fallbacks: { [credential]: fallbacks } }),
    ...(Object.keys(mcpServers).length > 0 && { mcpServers }),
  };
  const checked = z.strictObject(profileShape).safeParse(made);
  if (checked.success) return { profile: checked.data, needs: needs.needs(), notes };
  return { problem: checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ') };
}

function timeoutFrom(env: Readonly<Record<string, string>>): number | undefined {
  const given = TIMEOUT_VARIABLES.map((variable) => Number(env[variable])).find((ms) => Number.isFinite(ms));
  return given !== undefined && given >= 100 ? Math.min(Math.round(given), 2_592_000_000) : undefined;
}

/** The model as the program names it. A reference is looked up in the workspace: a model is not a secret. */
function modelFrom(
  named: string | undefined,
  dotEnv: Readonly<Record<string, string | undefined>>,
  note: (text: string) => void,
): { model?: string } {
  if (!named) return {};
  const [reference] = referencesIn(named);
  const model = reference === undefined ? named : dotEnv[reference];
  if (model) return { model };
  note(`the model is left out: ${reference} is not in the workspace`);
  return {};
}
