import { describe, expect, test } from 'vitest';
import { RUN_MARK } from '../../../../src/shared/config/load.js';
import { SETTINGS } from '../../../../src/shared/config/settings.js';
import { RUNNERS } from '../../../../src/shared/runners/list.js';
import { GIVEN_TO_EVERY_PROGRAM, inheritedEnvironment } from '../../../../src/worker/prepare/inherited.js';

const inheritsOf = (name: string) => RUNNERS.find((runner) => runner.name === name)?.inherits;
const isGiven = (name: string, runner?: string, passed: readonly string[] = []) =>
  Object.hasOwn(inheritedEnvironment({ [name]: 'x' }, runner ? inheritsOf(runner) : [], passed), name);

describe('what a program is given of the environment of its worker', () => {
  test.each(GIVEN_TO_EVERY_PROGRAM.map((name) => name.replace('*', 'ANYTHING')))(
    'is %s, whatever its runner',
    (name) => {
      expect(isGiven(name)).toBe(true);
    },
  );

  test.each([
    ['claude', 'ANTHROPIC_API_KEY'],
    ['claude', 'ANTHROPIC_DEFAULT_SONNET_MODEL'],
    ['claude', 'CLAUDE_CONFIG_DIR'],
    ['claude', 'CLAUDE_CODE_OAUTH_TOKEN'],
    ['claude', 'CLAUDE_CODE_USE_BEDROCK'],
    ['claude', 'CLAUDE_CODE_MAX_RETRIES'],
    ['codex', 'OPENAI_API_KEY'],
    ['codex', 'CODEX_HOME'],
    ['gemini', 'GEMINI_API_KEY'],
    ['gemini', 'GOOGLE_GEMINI_BASE_URL'],
    ['qwencli', 'OPENAI_BASE_URL'],
    ['opencode', 'OPENCODE_CONFIG_CONTENT'],
    ['opencode', 'OPENCODE_API_KEY'],
    ['opencode', 'OPENROUTER_API_KEY'],
    ['kilo', 'KILO_DISABLE_MODELS_FETCH'],
    ['copilot', 'COPILOT_PROVIDER_API_KEY'],
    ['hermes', 'HERMES_HOME'],
    ['openclaw', 'OPENCLAW_STATE_DIR'],
  ])('is for %s its %s, and for no program that is not told of it', (runner, name) => {
    expect([isGiven(name, runner), isGiven(name, 'demo')]).toEqual([true, false]);
  });

  test.each(RUNNERS.map(({ name }) => name))(
    'is for %s nothing that stands for an outer session or is ours',
    (runner) => {
      const never = [
        ...['CLAUDECODE', 'CLAUDE_CODE_SESSION_ID', 'CLAUDE_CODE_ENTRYPOINT', 'CLAUDE_PID', 'OPENCODE', 'OPENCODE_PID'],
        ...[
          'OPENCODE_SERVER_PASSWORD',
          'KILO',
          'KILO_PID',
          'GEMINI_CLI',
          'QWEN_CODE',
          'CODEX_SANDBOX_NETWORK_DISABLED',
        ],
        ...['npm_config_registry', 'INIT_CWD', 'NODE_OPTIONS', 'LD_PRELOAD', 'BASH_ENV', 'SSH_AUTH_SOCK', 'MY_KEY'],
        ...['AGENTPOOL_ANYTHING', RUN_MARK, ...Object.keys(SETTINGS), 'constructor'],
      ];
      expect(never.filter((name) => isGiven(name, runner))).toEqual([]);
    },
  );

  test('is what the operator passes on: a name, or all that begin so, but nothing of ours', () => {
    const env = { CORP_A: 'a', CORP_B: 'b', KEY: 'k', KEYS: 's', REDIS_URL: 'r', AGENTPOOL_TOKENS: 't', PATH: 'p' };
    const passed = ['CORP_*', 'KEY', 'REDIS_URL', 'AGENTPOOL_*', 'R*'];
    expect(inheritedEnvironment(env, [], passed)).toEqual({ CORP_A: 'a', CORP_B: 'b', KEY: 'k', PATH: 'p' });
  });

  test('is for claude the keys of a cloud only where it is told to use that cloud', () => {
    const env = { AWS_PROFILE: 'p', AZURE_KEY: 'k' };
    expect(inheritedEnvironment(env, inheritsOf('claude'))).toEqual({});
    const onBedrock = { ...env, CLAUDE_CODE_USE_BEDROCK: '1' };
    expect(inheritedEnvironment(onBedrock, inheritsOf('claude'))).toEqual({
      AWS_PROFILE: 'p',
      CLAUDE_CODE_USE_BEDROCK: '1',
    });
  });

  test('has nothing that is undefined', () => {
    expect(inheritedEnvironment({ HOME: undefined, PATH: 'p' })).toEqual({ PATH: 'p' });
  });
});
