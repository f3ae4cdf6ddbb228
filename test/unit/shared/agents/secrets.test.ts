import { describe, expect, test } from 'vitest';
import { looksSecret, refuseSecrets, secretsIn } from '../../../../src/shared/agents/secrets.js';

const braced = (name: string) => ['$', '{', name, '}'].join('');
const HEX = '42b82ed9a13e4e8890ef3854bb840ef8';

describe('a value of a profile', () => {
  test.each([
    ['ANTHROPIC_AUTH_TOKEN', 'hunter2'],
    ['API_KEY', 'x'],
    ['apiKey', 'correct horse'],
    ['DB_PASSWORD', '123456'],
    ['Authorization', 'whatever'],
    ['X-Auth', 'abc'],
    ['AWS_CREDENTIALS', '/home/me/.aws'],
    ['CLIENT_SECRET', '$'],
    ['TOKEN', '$NOT-A-NAME'],
    ['MAX_TOKENS', 'many'],
    ['MODEL', 'sk-ant-api03-abc'],
    ['MODEL', `${HEX}.TcWZ4DIq0NF2xElF`],
    ['HEADER', 'Bearer abc'],
    ['HEADER', 'Basic dXNlcjpwYXNz'],
    ['NOTE', 'my key is ghp_0123'],
    ['PEM', '-----BEGIN PRIVATE KEY-----'],
    ['JWT', 'eyJhbGciOiJIUzI1NiJ9.e30.x'],
    ['API_KEY', `sk-${braced('REST')}`],
  ])('such as %s=%s looks like a secret', (name, value) => {
    expect(looksSecret(name, value)).toBe(true);
  });

  test.each([
    ['ANTHROPIC_AUTH_TOKEN', '$TOKEN_A'],
    ['ANTHROPIC_AUTH_TOKEN', braced('TOKEN_A')],
    ['Authorization', `Bearer ${braced('TOKEN_A')}`],
    ['ANTHROPIC_API_KEY', ''],
    ['USE_TOKEN', 'false'],
    ['CLAUDE_CODE_MAX_OUTPUT_TOKENS', '32000'],
    ['GIT_AUTHOR_NAME', 'somebody'],
    ['ANTHROPIC_BASE_URL', 'https://api.example.com/anthropic'],
    ['MODEL', 'anthropic/claude-sonnet-4.5-20250929'],
    ['API_TIMEOUT_MS', '3000000'],
    ['PROJECT', '3f2504e0-4f89-11d3-9a0c-0305e82c3301'],
    ['NODE_PATH', '/usr/local/lib/node_modules/something-with-a-long-name'],
  ])('such as %s=%s does not', (name, value) => {
    expect(looksSecret(name, value)).toBe(false);
  });
});

describe('a profile', () => {
  test('is searched in its variables, fallbacks, and the variables, headers, addresses and arguments of its MCP servers', () => {
    const places = secretsIn({
      env: { TOKEN: 'abc', MODE: 'fast' },
      fallbacks: { TOKEN: ['$B', 'c'], BASE_URL: ['https://a.example'] },
      mcpServers: {
        local: {
          command: 'server',
          args: ['--verbose', '--token', 'abc', '--key=abc', '--out', 'x'],
          env: { KEY: 'abc' },
        },
        remote: { url: 'https://a.example/mcp?apiKey=abc', headers: { 'X-Api-Key': 'abc', Accept: 'text/plain' } },
        other: { url: 'https://me:abc@a.example/mcp' },
        keyed: { url: `https://a.example/${HEX}/mcp` },
        fine: { url: 'https://a.example/mcp?mode=fast', headers: { Authorization: `Bearer ${braced('KEY')}` } },
        quiet: { command: 'server', args: ['--auth', '--max-tokens', '4000'] },
      },
    });
    expect(places).toEqual([
      'env.TOKEN',
      'fallbacks.TOKEN.1',
      'mcpServers.local.env.KEY',
      'mcpServers.remote.headers.X-Api-Key',
      'mcpServers.local.args.1',
      'mcpServers.local.args.3',
      'mcpServers.remote.url',
      'mcpServers.other.url',
      'mcpServers.keyed.url',
    ]);
  });

  test('with a secret in it is refused with words that say where, what to do, and not the secret', () => {
    const refused = () => refuseSecrets({ env: { ZAI_TOKEN: 'hunter2' } });
    expect(refused).toThrow(/^env\.ZAI_TOKEN: /);
    expect(refused).toThrow(
      expect.objectContaining({ code: 'secret_in_profile', hint: expect.stringContaining('"$ZAI_TOKEN"') }),
    );
    expect(refused).not.toThrow(/hunter2/);
  });
});
