import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';
import { codex } from '../../../../src/shared/runners/codex.js';
import type { ProgramInput } from '../../../../src/shared/runners/runner.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const filesDirectory = mkdtempSync(join(tmpdir(), 'ap-codex-'));
afterAll(() => removeDirectory(filesDirectory));

const request: ProgramInput = {
  runId: 'run-1',
  prompt: 'p',
  resume: false,
  path: '/work',
  home: '/home/user',
  permissions: 'auto',
  filesDirectory,
};
/** The values of its `-c key=value`; what we write in TOML is JSON but for the sign between key and value. */
const settings = (asked: ProgramInput) =>
  Object.fromEntries(
    codex
      .args(asked)
      .filter((_, at, all) => all[at - 1] === '-c')
      .map((setting) => setting.split(/=(.*)/s).slice(0, 2))
      .map(([key, value = '']) => [key, JSON.parse(value.replaceAll(/("(?:[^"\\]|\\.)*")=/g, '$1:'))]),
  );

test('the prompt comes last, and the session that is resumed before it', () => {
  expect(codex.args(request).at(-1)).toBe('-');
  expect(codex.args({ ...request, resume: true, sessionId: 's1' })).not.toContain('-');
  expect(codex.resumeArgs?.('s1')).toEqual(['resume', 's1', '-']);
});

test('what needs an approval is impossible in its sandbox', () => {
  expect(codex.args({ ...request, permissions: 'safe' })).toEqual(expect.arrayContaining(['--sandbox', 'read-only']));
  expect(codex.args({ ...request, permissions: 'safe' }).join(' ')).not.toContain('bypass');
});

test('a system prompt of several lines is one setting', () => {
  const systemPrompt = 'You are "a giraffe".\n\\ $HOME \x7f ünïcödé';
  expect(settings({ ...request, systemPrompt }).developer_instructions).toBe(systemPrompt);
});

test('an MCP server gets its variables as they are, through a file', async () => {
  const env = { PLAIN: 'words', QUOTES: `it's "so" $HOME \`x\``, LINES: 'one\ntwo', EMPTY: '' };
  const print =
    'process.stdout.write(JSON.stringify([process.env.PLAIN, process.env.QUOTES, process.env.LINES, process.env.EMPTY, ...process.argv.slice(1)]))';
  const server = { command: process.execPath, args: ['-e', print, 'an argument', '$x'], env };
  const asked = { ...request, mcpServers: { 'my own': server } };
  for (const { name, content } of codex.files?.(asked) ?? []) writeFileSync(join(filesDirectory, name), content);
  const { command, args, env_vars } = settings(asked).mcp_servers['my own'];
  const { stdout } = await execa(command, args, { extendEnv: false });
  expect(env_vars).toEqual(['AGENTPOOL_RUN']);
  expect(JSON.parse(stdout)).toEqual([...Object.values(env), 'an argument', '$x']);
});

test('the headers of a far MCP server come from variables', () => {
  const far = { url: 'https://far.example/mcp', headers: { Authorization: 'Bearer s3cr3t', 'X-Team': 'blue' } };
  const asked = { ...request, mcpServers: { far } };
  expect(settings(asked).mcp_servers).toEqual({
    far: {
      url: far.url,
      env_http_headers: { Authorization: 'AGENT_MCP_0_HEADER_0', 'X-Team': 'AGENT_MCP_0_HEADER_1' },
    },
  });
  expect(codex.env?.(asked)).toMatchObject({ AGENT_MCP_0_HEADER_0: 'Bearer s3cr3t', AGENT_MCP_0_HEADER_1: 'blue' });
});
