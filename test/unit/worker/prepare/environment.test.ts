import { describe, expect, test } from 'vitest';
import { RUN_MARK } from '../../../../src/shared/config/load.js';
import { SETTINGS } from '../../../../src/shared/config/settings.js';
import { baseEnvironment, programEnvironment, resolveMcpServers } from '../../../../src/worker/prepare/environment.js';

const braced = (name: string) => ['$', '{', name, '}'].join('');

describe('the environment of a program', () => {
  test.each([
    ...Object.keys(SETTINGS),
    RUN_MARK,
    'AGENTPOOL_ANYTHING',
    'CLAUDECODE',
    'CLAUDE_CODE_SESSION_ID',
    'CLAUDE_CODE_ENTRYPOINT',
    'CLAUDE_PID',
    'OPENCODE',
    'OPENCODE_PID',
    'KILO',
    'KILO_PID',
    'OPENCODE_SERVER_PASSWORD',
    'GEMINI_CLI',
    'QWEN_CODE',
    'CODEX_SANDBOX_NETWORK_DISABLED',
    'npm_config_registry',
    'INIT_CWD',
    'NODE_OPTIONS',
  ])('has no %s of the worker', (name) => {
    expect(baseEnvironment({ [name]: 'x' })).toEqual({});
  });

  test.each([
    'PATH',
    'HOME',
    'LANG',
    'HTTPS_PROXY',
    'ANTHROPIC_API_KEY',
    'GEMINI_API_KEY',
    'CODEX_HOME',
    'CLAUDE_CONFIG_DIR',
    'CLAUDE_CODE_OAUTH_TOKEN',
    'CLAUDE_CODE_USE_BEDROCK',
    'CLAUDE_CODE_MAX_RETRIES',
    'OPENCODE_CONFIG_CONTENT',
    'OPENCODE_API_KEY',
    'KILO_CONFIG_CONTENT',
    'REDIS_URL_OF_THE_PROJECT',
    'MY_AGENTPOOL_NOTES',
    'constructor',
  ])('has the %s of the worker', (name) => {
    expect(baseEnvironment({ [name]: '' })).toEqual({ [name]: '' });
  });

  test('has nothing that is undefined', () => {
    expect(Object.keys(baseEnvironment({ A: undefined, B: 'b' }))).toEqual(['B']);
  });

  test('is the worker environment alone for a runner that adds nothing', () => {
    expect(programEnvironment({}, { A: 'a', REDIS_URL: 'x' })).toEqual({ env: { A: 'a' }, missing: [] });
  });

  test('has what the runner adds, over what the worker has', () => {
    const { env } = programEnvironment({ A: 'new', B: 'b' }, { A: 'old' });
    expect(env).toEqual({ A: 'new', B: 'b' });
  });

  test('has what a built-in runner gives as it is, under what a profile adds', () => {
    const given = { TEXT: `pay ${braced('PRICE')}`, A: 'given' };
    const { env, missing } = programEnvironment({ A: '$B' }, { A: 'old', B: 'b' }, given);
    expect({ env, missing }).toEqual({ env: { TEXT: `pay ${braced('PRICE')}`, A: 'b', B: 'b' }, missing: [] });
  });
});

describe('a value of a runner or a profile', () => {
  const worker = { KEY_A: 'secret', _b1: 'b', EMPTY: '' };

  test.each([
    ['$KEY_A', 'secret'],
    [braced('KEY_A'), 'secret'],
    ['$_b1', 'b'],
    ['$EMPTY', ''],
    ['$$KEY_A', '$$KEY_A'],
    ['x$KEY_A', 'x$KEY_A'],
    ['$KEY_A x', '$KEY_A x'],
    ['${KEY_A', '${KEY_A'],
    ['$KEY_A}', '$KEY_A}'],
    ['$1', '$1'],
    ['$', '$'],
    ['', ''],
  ])('such as %j becomes %j', (value, resolved) => {
    expect(programEnvironment({ TOKEN: value }, worker)).toEqual({
      env: { ...worker, TOKEN: resolved },
      missing: [],
    });
  });

  test('may name what is not passed on itself', () => {
    const { env } = programEnvironment({ KEY: '$CLAUDE_KEY' }, { CLAUDE_KEY: 'secret' });
    expect(env).toEqual({ KEY: 'secret' });
  });

  test('that names what the worker does not have is told, each name once', () => {
    const added = { A: '$NONE', B: braced('NONE'), C: '$ALSO_NONE', D: '$constructor', E: '$KEY_A' };
    expect(programEnvironment(added, worker).missing).toEqual(['NONE', 'ALSO_NONE', 'constructor']);
  });
});

describe('the MCP servers of a profile', () => {
  test('have the variables of the worker in their environment and headers, and tell which are missing', () => {
    const servers = {
      local: { command: 'server', args: ['$KEY'], env: { TOKEN: '$KEY', MODE: 'fast' } },
      remote: { type: 'http' as const, url: 'http://127.0.0.1:1/mcp', headers: { Authorization: '$NONE' } },
    };
    const { resolved, missing } = resolveMcpServers(servers, { KEY: 'secret' });
    expect(resolved).toEqual({
      local: { ...servers.local, env: { TOKEN: 'secret', MODE: 'fast' } },
      remote: { ...servers.remote, headers: { Authorization: '' } },
    });
    expect(missing).toEqual(['NONE']);
  });
});
