import { fileURLToPath } from 'node:url';
import { KEY, type RealRunner, write } from './real-runner.js';
import { VERSIONS } from './versions.js';

const bash = (command: string) => ({ tool: 'bash', input: { command, description: 'looks around' } });
const runShellCommand = (command: string) => ({
  tool: 'run_shell_command',
  input: { command, is_background: false },
});

/** The configuration of opencode and its forks. */
const withProvider = (url: string) => ({
  provider: {
    scripted: {
      npm: '@ai-sdk/openai-compatible',
      options: { baseURL: `${url}/v1`, apiKey: KEY },
      models: { first: {}, second: {} },
    },
  },
  model: 'scripted/first',
  small_model: 'scripted/first',
});

/** Every runner and the real program of it. */
export const REAL_RUNNERS: readonly RealRunner[] = [
  {
    name: 'claude',
    version: VERSIONS.claude,
    // The native program; the package without a platform in its name only links it.
    package: '@anthropic-ai/claude-code-linux-x64',
    program: 'claude',
    command: 'claude',
    dialect: 'anthropic',
    model: ['claude-sonnet-4-5', 'claude-sonnet-4-5'],
    shell: (command) => ({ tool: 'Bash', input: { command } }),
    setUp: (_home, url) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: KEY }),
  },
  {
    name: 'gemini',
    version: VERSIONS.gemini,
    package: '@google/gemini-cli',
    program: 'bundle/gemini.js',
    command: 'gemini',
    dialect: 'gemini',
    model: ['gemini-2.5-flash', 'gemini-2.5-flash'],
    shell: runShellCommand,
    setUp: (home, url) => {
      write(home, '.gemini/settings.json', { security: { auth: { selectedType: 'gemini-api-key' } } });
      return { GEMINI_API_KEY: KEY, GOOGLE_GEMINI_BASE_URL: url };
    },
  },
  {
    name: 'kilo',
    version: VERSIONS.kilo,
    package: '@kilocode/cli',
    slow: true,
    program: 'bin/kilo',
    command: 'kilo',
    dialect: 'openai-chat',
    model: ['scripted/second', 'second'],
    shell: bash,
    setUp: (home, url) => {
      write(home, '.config/kilo/kilo.json', withProvider(url));
      return { KILO_DISABLE_MODELS_FETCH: '1', KILO_DISABLE_DEFAULT_PLUGINS: '1' };
    },
  },
  {
    name: 'qwencli',
    version: VERSIONS.qwencli,
    package: '@qwen-code/qwen-code',
    program: 'cli-entry.js',
    command: 'qwen',
    dialect: 'openai-chat',
    model: ['second', 'second'],
    shell: runShellCommand,
    setUp: (home, url) => {
      write(home, '.qwen/settings.json', { security: { auth: { selectedType: 'openai' } } });
      return { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: 'first' };
    },
  },
  {
    name: 'openclaw',
    version: VERSIONS.openclaw,
    package: 'openclaw',
    slow: true,
    program: 'openclaw.mjs',
    command: 'openclaw',
    dialect: 'openai-chat',
    model: ['scripted/second', 'second'],
    shell: (command) => ({ tool: 'exec', input: { command } }),
    setUp: (home, url) => {
      const models = ['first', 'second'].map((id) => ({ id, name: id }));
      const scripted = { baseUrl: `${url}/v1`, apiKey: KEY, api: 'openai-completions', models };
      write(home, '.openclaw/openclaw.json', {
        models: { providers: { scripted } },
        agents: { defaults: { model: { primary: 'scripted/first' } } },
      });
      return {};
    },
    cannot: {
      streaming: 'it prints one object when it has ended, and nothing before',
      transcript: 'it tells which tools it used, but neither with what nor what they answered',
    },
  },
  {
    name: 'cline',
    version: VERSIONS.cline,
    package: '@cline/cli-linux-x64',
    program: 'bin/cline',
    command: 'cline',
    dialect: 'openai-chat',
    model: ['second', 'second'],
    shell: (command) => ({ tool: 'run_commands', input: { commands: [command] } }),
    setUp: (home, url) => {
      const provider = 'openai-compatible';
      const settings = { provider, apiKey: KEY, model: 'first', baseUrl: `${url}/v1` };
      write(home, '.cline/data/settings/providers.json', {
        version: 1,
        lastUsedProvider: provider,
        modes: {},
        providers: { [provider]: { settings, updatedAt: '2026-11-25T00:00:00.000Z', tokenSource: 'manual' } },
      });
      return {};
    },
    cannot: { resume: 'with a session it becomes interactive' },
  },
  {
    name: 'opencode',
    version: VERSIONS.opencode,
    package: 'opencode-linux-x64',
    program: 'bin/opencode',
    command: 'opencode',
    dialect: 'openai-chat',
    model: ['scripted/second', 'second'],
    shell: bash,
    setUp: (home, url) => {
      write(home, '.config/opencode/opencode.json', withProvider(url));
      return { OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_DEFAULT_PLUGINS: '1' };
    },
  },
  {
    name: 'hermes',
    version: 'stand-in',
    program: fileURLToPath(new URL('../fixtures/agents/hermes.mjs', import.meta.url)),
    command: 'hermes',
    standIn: 'hermes is written in Python and not on npm: a program of ours that does what its documentation says',
    dialect: 'openai-chat',
    model: ['second', 'second'],
    shell: bash,
    setUp: (_home, url) => ({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${url}/v1` }),
    cannot: { MCP: 'it takes MCP servers from its own configuration only' },
  },
  {
    name: 'codex',
    version: VERSIONS.codex,
    package: '@openai/codex',
    program: 'bin/codex.js',
    command: 'codex',
    dialect: 'openai-responses',
    model: ['gpt-5', 'gpt-5'],
    shell: (cmd) => ({ tool: 'exec_command', input: { cmd } }),
    setUp: (home, url) => {
      const lines = [
        'model_provider = "scripted"',
        '[model_providers.scripted]',
        'name = "scripted"',
        `base_url = "${url}/v1"`,
        'env_key = "SCRIPTED_KEY"',
        'wire_api = "responses"',
      ];
      write(home, '.codex/config.toml', lines.join('\n'));
      // The name is the user's own, so the worker has to be told of it.
      return { SCRIPTED_KEY: KEY, AGENTPOOL_PASS_ENV: 'SCRIPTED_KEY' };
    },
    cannot: { private: 'it takes instructions by an argument or from the one folder where it keeps all it has' },
  },
  {
    name: 'copilot',
    version: VERSIONS.copilot,
    package: '@github/copilot',
    program: 'npm-loader.js',
    command: 'copilot',
    dialect: 'openai-chat',
    model: ['second', 'second'],
    shell: bash,
    setUp: (_home, url) => ({
      COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
      COPILOT_PROVIDER_API_KEY: KEY,
      COPILOT_MODEL: 'first',
    }),
    cannot: { usage: 'it tells no tokens', transcript: 'some of its messages are not understood yet and shown as raw' },
  },
];

export function realRunner(name: string): RealRunner {
  const found = REAL_RUNNERS.find((real) => real.name === name);
  if (!found) throw new Error(`there is no real ${name}`);
  return found;
}
