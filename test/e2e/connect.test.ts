import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bearerOf } from '../support/http-token.js';
import { makePlace, type Place } from '../support/pool.js';
import { agentpool } from '../support/processes.js';

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.clean());

const home = () => place.env.HOME ?? '';
const connect = (...args: string[]) => agentpool(place, ['connect', ...args]);
const FILES = {
  claude: () => join(place.work, '.mcp.json'),
  codex: () => join(home(), '.codex', 'config.toml'),
  cursor: () => join(home(), '.cursor', 'mcp.json'),
  vscode: () => join(place.work, '.vscode', 'mcp.json'),
  gemini: () => join(home(), '.gemini', 'settings.json'),
};

describe('agentpool connect', () => {
  it.each(Object.entries(FILES))(
    '%s prints its configuration and changes nothing; --write writes just that',
    async (name, file) => {
      const printed = await connect(name);
      expect(printed).toMatchObject({ code: 0, stderr: expect.stringContaining(file()) });
      expect(existsSync(file())).toBe(false);
      expect(await connect(name, '--write')).toMatchObject({ code: 0, stdout: `${file()} is written\n` });
      expect(readFileSync(file(), 'utf8')).toBe(printed.stdout);
      expect((await connect(name, '--write')).stdout).toBe(`${file()} has it already\n`);
      expect(readdirSync(dirname(file())).filter((one) => one.includes('before'))).toEqual([]);
    },
  );

  it('tells the client where the pool is when that is not the usual place, since clients hand on little', async () => {
    expect(await connect('cursor', '--write')).toMatchObject({ code: 0 });
    const { mcpServers } = JSON.parse(readFileSync(FILES.cursor(), 'utf8'));
    expect(mcpServers.agentpool.env).toEqual({ AGENTPOOL_HOME: place.home });
    const usual = { ...place, env: { ...place.env } };
    delete usual.env.AGENTPOOL_HOME;
    const printed = await agentpool(usual, ['connect', 'cursor']);
    expect(JSON.parse(printed.stdout).mcpServers.agentpool).not.toHaveProperty('env');
  });

  it('writes what starts a server that answers', async () => {
    await connect('claude', '--write');
    const { mcpServers } = JSON.parse(readFileSync(FILES.claude(), 'utf8'));
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StdioClientTransport({ ...mcpServers.agentpool, env: place.env, cwd: place.work }));
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('run_agent');
    await client.close();
  });

  it('keeps everything else in the file, its mode and its link, and a copy of how it was', async () => {
    const real = join(home(), 'dotfiles', 'codex.toml');
    mkdirSync(dirname(real));
    mkdirSync(dirname(FILES.codex()));
    const before = '# mine\nmodel = "x"\n';
    writeFileSync(real, before, { mode: 0o600 });
    symlinkSync(real, FILES.codex());
    const { stdout } = await connect('codex', '--write', '--json');
    expect(JSON.parse(stdout)).toEqual({
      client: 'codex',
      file: FILES.codex(),
      changed: true,
      backup: `${real}.before-agentpool`,
    });
    expect(lstatSync(FILES.codex()).isSymbolicLink()).toBe(true);
    expect(statSync(real).mode & 0o777).toBe(0o600);
    expect(readFileSync(real, 'utf8')).toMatch(/^# mine\nmodel = "x"\n\n\[mcp_servers\.agentpool\]\ncommand = /);
    expect(readFileSync(`${real}.before-agentpool`, 'utf8')).toBe(before);
    expect(readdirSync(dirname(real)).sort()).toEqual(['codex.toml', 'codex.toml.before-agentpool']);
  });

  it('leaves a file alone that it cannot read, and says what to do', async () => {
    mkdirSync(dirname(FILES.cursor()));
    writeFileSync(FILES.cursor(), '{ "mcpServers": [');
    const { code, stderr } = await connect('cursor', '--write');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/cannot be edited[\s\S]*without --write/)]);
    expect(readFileSync(FILES.cursor(), 'utf8')).toBe('{ "mcpServers": [');
  });

  it('over HTTP names the address, and the token of this machine, or beyond it and in shared files the variable with one', async () => {
    const local = JSON.parse((await connect('vscode', '--http')).stdout);
    const byName = { Authorization: `Bearer \${env:AGENTPOOL_TOKEN}` };
    expect(local.servers.agentpool).toEqual({ type: 'http', url: 'http://127.0.0.1:7333/mcp', headers: byName });
    const mine = await connect('cursor', '--http', '--json');
    expect(JSON.parse(mine.stdout).entry.headers).toEqual({ Authorization: bearerOf(place).authorization });
    const far = await connect('gemini', '--http', 'https://pool.example', '--json');
    expect(JSON.parse(far.stdout)).toMatchObject({
      entry: { httpUrl: 'https://pool.example/mcp', headers: { Authorization: 'Bearer $AGENTPOOL_TOKEN' } },
    });
    expect(far.stderr).toContain('takes the token from AGENTPOOL_TOKEN');
    const named = await connect('codex', '--http', 'http://localhost:80/mcp', '--token-env', 'MINE');
    expect(named.stdout).toBe('[mcp_servers.agentpool]\nurl = "http://localhost/mcp"\nbearer_token_env_var = "MINE"\n');
  });

  it.each([
    [['nobody']],
    [['codex', '--token-env', 'X']],
    [['codex', '--http', 'pool.example']],
    [['codex', '--http', '--token-env', 'a secret']],
  ])('refuses %j as wrong use', async (args) => {
    expect((await connect(...args)).code).toBe(2);
  });
});
