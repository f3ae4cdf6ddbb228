import { parse } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { CONNECTABLE_CLIENTS, type Way } from '../../../src/cli/connect-clients.js';
import { onlyEntry, withJsonEntry, withTomlEntry } from '../../../src/cli/connect-edit.js';

const STDIO = { command: 'agentpool', args: ['mcp'] };
const HTTP = { type: 'http', url: 'http://127.0.0.1:7333/mcp' };
const CODEX_HTTP = { url: 'https://pool.example/mcp', bearer_token_env_var: 'AGENTPOOL_TOKEN' };

describe('our entry in JSON', () => {
  test.each(['', '\n', '{}', '{"mcpServers":{}}', '{"mcpServers":{"agentpool":null}}'])(
    'is all there is in %j',
    (text) => {
      expect(JSON.parse(withJsonEntry(text, 'mcpServers', STDIO))).toEqual({ mcpServers: { agentpool: STDIO } });
    },
  );

  const commented = `{
\t// what I like
\t"theme": "dark",
\t"mcpServers": {
\t\t"other": { "command": "other", "args": [] }, // do not touch
\t},
}
`;

  test('leaves comments, other members and the form as they were', () => {
    const text = withJsonEntry(commented, 'mcpServers', STDIO);
    expect(text).toContain('\t// what I like\n\t"theme": "dark",\n');
    expect(text).toContain('\t\t"other": { "command": "other", "args": [] }');
    expect(text).toContain('// do not touch');
    expect(text).toContain('\n\t\t"agentpool": {\n\t\t\t"command": "agentpool"');
    expect(parse(text, [], { allowTrailingComma: true })).toEqual({
      theme: 'dark',
      mcpServers: { other: { command: 'other', args: [] }, agentpool: STDIO },
    });
  });

  test('is put in once: the second time nothing changes', () => {
    const once = withJsonEntry(commented, 'mcpServers', STDIO);
    expect(withJsonEntry(once, 'mcpServers', STDIO)).toBe(once);
  });

  test('goes from one way to the other, and keeps what a person has added to it', () => {
    const own = { ...STDIO, env: { REDIS_URL: 'redis://r' }, timeout: 5 };
    const text = JSON.stringify({ mcpServers: { agentpool: own } }, null, 4);
    const http = withJsonEntry(text, 'mcpServers', HTTP);
    expect(JSON.parse(http).mcpServers.agentpool).toEqual({ ...HTTP, env: own.env, timeout: 5 });
    expect(JSON.parse(withJsonEntry(http, 'mcpServers', STDIO)).mcpServers.agentpool).toEqual(own);
  });

  test.each(['[]', '"text"', '{', '{"mcpServers":[]}', '{"mcpServers":"x"}', 'theme = "dark"'])(
    'is not put into %j, which is no such file',
    (text) => {
      expect(() => withJsonEntry(text, 'mcpServers', STDIO)).toThrow(/cannot be edited/);
    },
  );
});

describe('our entry in TOML', () => {
  const config = `# my codex
model = "gpt-x"   # the good one

[mcp_servers.other]
command = "other"

[profiles.fast]
model = "gpt-y"
`;

  test.each(['', config, config.trimEnd(), '[mcp_servers]\n'])('comes after what there is: %j', (text) => {
    const after = withTomlEntry(text, 'mcp_servers', STDIO);
    expect(after.startsWith(text)).toBe(true);
    expect(after.endsWith('[mcp_servers.agentpool]\ncommand = "agentpool"\nargs = [ "mcp" ]\n')).toBe(true);
    expect(withTomlEntry(after, 'mcp_servers', STDIO)).toBe(after);
  });

  test('is changed where it stands, and keeps what a person has added to it', () => {
    const text = `${config}
[ mcp_servers . "agentpool" ] # ours
startup_timeout_sec = 20
command = "old" # gone with its value
args = [
  "[mcp_servers.trap]",
  "mcp",
]
# mine
enabled = true

[mcp_servers.agentpool.env]
REDIS_URL = "redis://r"

[last]
x = [
  [1],
]
`;
    const after = withTomlEntry(text, 'mcp_servers', CODEX_HTTP);
    expect(after).toContain('# ours\nurl = "https://pool.example/mcp"\nbearer_token_env_var = "AGENTPOOL_TOKEN"\n');
    expect(after).toContain('startup_timeout_sec = 20\n# mine\nenabled = true\n\n[mcp_servers.agentpool.env]\n');
    expect(after).not.toMatch(/old|trap/);
    expect(parseToml(after)).toMatchObject({
      model: 'gpt-x',
      mcp_servers: {
        other: { command: 'other' },
        agentpool: { ...CODEX_HTTP, enabled: true, env: { REDIS_URL: 'redis://r' } },
      },
      last: { x: [[1]] },
    });
    expect(withTomlEntry(after, 'mcp_servers', CODEX_HTTP)).toBe(after);
  });

  test.each([
    'mcp_servers = { agentpool = { command = "old" } }\n',
    'mcp_servers.agentpool.command = "old"\n',
    'mcp_servers = { other = { command = "x" } }\n',
    'model = \n',
    '{"json": true}',
  ])('is not put into %j, whose form would be lost', (text) => {
    expect(() => withTomlEntry(text, 'mcp_servers', STDIO)).toThrow(/cannot be edited/);
  });
});

describe('every client', () => {
  const ways: Way[] = [
    { kind: 'stdio', command: '/usr/bin/node', args: ['/opt/a b/main.js', 'mcp'] },
    { kind: 'http', url: 'http://127.0.0.1:7333/mcp', credential: { token: 'a-token' } },
    { kind: 'http', url: 'https://pool.example/mcp', credential: { variable: 'MY_TOKEN' } },
  ];
  test.each(Object.entries(CONNECTABLE_CLIENTS))(
    '%s is told the whole way, and the token by its name or as it is',
    (_, client) => {
      for (const way of ways) {
        const text = onlyEntry(client.format, client.servers, client.entry(way));
        const whole = client.format === 'json' ? JSON.parse(text) : parseToml(text);
        const entry = whole[client.servers].agentpool;
        if (way.kind === 'stdio') expect(entry).toMatchObject({ command: way.command, args: way.args });
        else {
          expect(entry.url ?? entry.httpUrl).toBe(way.url);
          expect(text.includes('MY_TOKEN')).toBe('variable' in way.credential);
          expect(text.includes('Bearer a-token')).toBe('token' in way.credential);
        }
      }
    },
  );
});

describe('an entry with an environment', () => {
  const WITH_HOME = { ...STDIO, env: { AGENTPOOL_HOME: '/pools/a b' } };
  const ours = { agentpool: { ...STDIO, env: { REDIS_URL: 'redis://r', AGENTPOOL_HOME: '/pools/a b' } } };
  const json = (text: string) => parse(text, [], { allowTrailingComma: true }).mcpServers;

  test.each([
    ['{"mcpServers":{"agentpool":{"command":"x","env":{"REDIS_URL":"redis://r"}}}}'],
    ['{"mcpServers":{"agentpool":{"env":{"REDIS_URL":"redis://r","AGENTPOOL_HOME":"/old"}}}}'],
  ])('adds to what a person has in it, in JSON: %s', (text) => {
    const once = withJsonEntry(text, 'mcpServers', WITH_HOME);
    expect(json(once)).toEqual(ours);
    expect(withJsonEntry(once, 'mcpServers', WITH_HOME)).toBe(once);
    expect(json(withJsonEntry('{}', 'mcpServers', WITH_HOME))).toEqual({ agentpool: WITH_HOME });
  });

  test.each([
    ['[mcp_servers.agentpool]\ncommand = "x"\nenv = { REDIS_URL = "redis://r" }\n'],
    ['[mcp_servers.agentpool]\ncommand = "x"\n\n[mcp_servers.agentpool.env]\nREDIS_URL = "redis://r"\n'],
    [
      '[mcp_servers.agentpool]\n[mcp_servers.agentpool.env] # mine\nREDIS_URL = "redis://r"\nAGENTPOOL_HOME = "/old"\n[other]\n',
    ],
  ])('adds to what a person has in it, in TOML: %s', (text) => {
    const once = withTomlEntry(text, 'mcp_servers', WITH_HOME);
    expect(parseToml(once).mcp_servers).toEqual(ours);
    expect(withTomlEntry(once, 'mcp_servers', WITH_HOME)).toBe(once);
    expect(parseToml(withTomlEntry('', 'mcp_servers', WITH_HOME)).mcp_servers).toEqual({ agentpool: WITH_HOME });
  });

  test('has Codex wait for the server, unless a person wants it otherwise', () => {
    const entry = CONNECTABLE_CLIENTS.codex?.entry({ kind: 'stdio', ...STDIO }) ?? {};
    expect(entry).toEqual({ ...STDIO, required: true });
    const own = '[mcp_servers.agentpool]\nrequired = false\n';
    expect(parseToml(withTomlEntry(own, 'mcp_servers', entry)).mcp_servers).toEqual({
      agentpool: { ...STDIO, required: false },
    });
  });
});
