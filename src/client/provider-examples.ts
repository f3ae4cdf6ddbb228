import type { AgentProfile } from '../shared/agents/profile.js';

/** How agents are pointed at a provider of models. */
export interface ProviderExample {
  readonly provider: string;
  readonly title: string;
  readonly profile: Omit<AgentProfile, 'name'>;
  /** What a person has to know besides. */
  readonly note: string;
}

/** The worker may have a key of Anthropic's for other agents; it must not be sent to somebody else. */
const NO_OTHER_KEY = { ANTHROPIC_API_KEY: '' };
/** Slow models think longer than Claude Code waits by itself (ms). */
const PATIENT = { API_TIMEOUT_MS: '3000000' };

const PROMPT = 'You are a careful software engineer. Make small changes, run the tests, and say what you did.';

/** A provider that speaks the Messages API of Anthropic, for Claude Code. */
function anthropicLike(url: string, variable: string, env: Readonly<Record<string, string>> = {}) {
  const access = { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: `$${variable}` };
  return { runner: 'claude', prompt: PROMPT, env: { ...access, ...NO_OTHER_KEY, ...PATIENT, ...env } };
}

const minimaxModel = { ANTHROPIC_MODEL: 'MiniMax-M2.7', ANTHROPIC_SMALL_FAST_MODEL: 'MiniMax-M2.7' };
const ilmuModel = { ANTHROPIC_MODEL: 'ilmu-glm-5.1', ANTHROPIC_SMALL_FAST_MODEL: 'ilmu-glm-5.1' };
const MODELS_CHANGE = 'Models come and go: see the pages of the provider for their names.';

/** The providers of `config_example`. */
export const PROVIDER_EXAMPLES: readonly ProviderExample[] = [
  {
    provider: 'anthropic',
    title: 'Anthropic',
    profile: { runner: 'claude', prompt: PROMPT, env: { ANTHROPIC_API_KEY: '$ANTHROPIC_API_KEY' } },
    note: 'Keys are made at console.anthropic.com. A worker whose user has logged in with claude needs no key.',
  },
  {
    provider: 'glm',
    title: 'GLM of Z.AI',
    profile: anthropicLike('https://api.z.ai/api/anthropic', 'ZAI_API_KEY'),
    note: 'Z.AI maps the names of Claude models to its own; ANTHROPIC_DEFAULT_SONNET_MODEL and its family choose others.',
  },
  {
    provider: 'minimax',
    title: 'MiniMax, international',
    profile: anthropicLike('https://api.minimax.io/anthropic', 'MINIMAX_API_KEY', minimaxModel),
    note: `Keys of minimaxi.com do not work here. ${MODELS_CHANGE}`,
  },
  {
    provider: 'minimaxi',
    title: 'MiniMax, China',
    profile: anthropicLike('https://api.minimaxi.com/anthropic', 'MINIMAXI_API_KEY', minimaxModel),
    note: `Keys of minimax.io do not work here. ${MODELS_CHANGE}`,
  },
  {
    provider: 'openrouter',
    title: 'OpenRouter',
    profile: anthropicLike('https://openrouter.ai/api', 'OPENROUTER_API_KEY'),
    note: 'The address has no /v1. model takes the names of openrouter.ai, such as anthropic/claude-sonnet-4.5.',
  },
  {
    provider: 'ilmu',
    title: 'ILMU',
    profile: anthropicLike('https://api.ilmu.ai/anthropic', 'ILMU_API_KEY', ilmuModel),
    note: MODELS_CHANGE,
  },
  {
    provider: 'overmind',
    title: 'What an overmind workspace had in .claude/settings_<agent>.json',
    profile: {
      ...anthropicLike('https://gateway.example.com', 'AUTH_TOKEN'),
      fallbacks: { ANTHROPIC_AUTH_TOKEN: ['$AUTH_FALLBACK_1', '$AUTH_FALLBACK_2'] },
    },
    note: 'Its AUTH_FALLBACK_1..3 are fallbacks here; its env file becomes the environment of the worker.',
  },
  {
    provider: 'anthropic-compatible',
    title: 'Any gateway that speaks the Messages API of Anthropic',
    profile: anthropicLike('https://gateway.example.com', 'GATEWAY_TOKEN'),
    note: 'ANTHROPIC_AUTH_TOKEN is sent as a Bearer token. A gateway that wants x-api-key gets ANTHROPIC_API_KEY instead.',
  },
  {
    provider: 'openai-compatible',
    title: "Any gateway that speaks OpenAI's chat completions",
    profile: {
      runner: 'qwencli',
      prompt: PROMPT,
      model: 'some-model',
      env: { OPENAI_BASE_URL: 'https://gateway.example.com/v1', OPENAI_API_KEY: '$GATEWAY_KEY' },
    },
    note: 'The address ends with /v1 as a rule, and model has to be one that the gateway knows.',
  },
];
