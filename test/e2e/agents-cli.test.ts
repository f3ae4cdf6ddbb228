import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onePlace, oneWorker } from '../support/beginnings.js';
import { agentpool, type Facts } from '../support/processes.js';

const place = onePlace({ TOKEN_A: 'what-only-the-worker-knows' });
oneWorker(place);

const agents = (args: readonly string[], stdin = '') => agentpool(place, ['agents', ...args], stdin);
const file = (name: string, text: string) => {
  writeFileSync(join(place.work, name), text);
  return name;
};

test('an agent is made from options and files, listed, shown, changed and deleted', async () => {
  const prompt = file('prompt.md', 'You are a test.\nBe brief.\n');
  const servers = file('servers.json', JSON.stringify({ mcpServers: { files: { command: 'files' } } }));
  const options = ['--runner', 'claude', '--prompt-file', prompt, '--mcp-servers', servers, '--timeout', '60000'];
  const env = ['--env', 'TOKEN=$TOKEN_A', '--env', 'MODE=a=b', '--fallback', 'TOKEN=$B', '--fallback', 'TOKEN=$C'];
  const created = await agents(['create', 'tester', ...options, ...env]);
  expect(created).toMatchObject({ code: 0, stderr: '' });
  expect(created.stdout).toBe('tester is stored; workers need B, C, TOKEN_A in their environment\n');

  expect((await agents(['list'])).stdout).toMatch(/tester +claude .*B C TOKEN_A/);
  const shown = JSON.parse((await agents(['show', 'tester', '--json'])).stdout) as Facts;
  expect(shown).toMatchObject({
    prompt: readFileSync(join(place.work, prompt), 'utf8'),
    env: { TOKEN: '$TOKEN_A', MODE: 'a=b' },
    fallbacks: { TOKEN: ['$B', '$C'] },
    mcpServers: { files: { command: 'files' } },
    timeoutMs: 60_000,
  });
  expect((await agents(['show', 'tester'])).stdout).toMatch(/runner +claude[\s\S]*\nYou are a test\.\nBe brief\./);

  const change = ['--model', 'm-1', '--unset', 'timeoutMs', '--unset', 'env.MODE', '--revision', '1', '--json'];
  const changed = JSON.parse((await agents(['update', 'tester', ...change])).stdout) as Facts;
  expect(changed).toMatchObject({ revision: 2, model: 'm-1', env: { TOKEN: '$TOKEN_A' }, runner: 'claude' });
  expect(changed).not.toHaveProperty('timeoutMs');
  expect(await agents(['update', 'tester', '--model', 'm-2', '--revision', '1'])).toMatchObject({ code: 2 });

  expect(await agents(['delete', 'tester'])).toMatchObject({ code: 0, stdout: 'tester is deleted\n' });
  expect(await agents(['show', 'tester'])).toMatchObject({ code: 2, stdout: '' });
});

test('an example can be piped into create', async () => {
  const example = await agents(['example', 'openrouter']);
  expect(example.stderr).toContain('OPENROUTER_API_KEY=...');
  const created = await agents(['create', 'router', '--file', '-', '--model', 'some/model', '--json'], example.stdout);
  expect(JSON.parse(created.stdout)).toMatchObject({ name: 'router', model: 'some/model', runner: 'claude' });
});

test('run takes the name of an agent instead of a runner', async () => {
  await agents(['create', 'demonstrator', '--runner', 'demo', '--mode', 'quick', '--prompt', 'Show it.']);
  const run = await agentpool(place, ['run', 'demonstrator', 'hello', '--json']);
  expect(JSON.parse(run.stdout)).toMatchObject({
    agentName: 'demonstrator',
    runner: 'demo',
    mode: 'quick',
    status: 'done',
  });
});

test.each([
  [['create', 'x', '--runner', 'demo'], 'prompt: it is missing'],
  [['create', 'x', '--runner', 'nobody', '--prompt', 'p'], 'there is no "nobody"'],
  [['create', 'x', '--runner', 'demo', '--prompt', 'p', '--env', 'API_KEY'], 'without a value'],
  [
    ['create', 'x', '--runner', 'demo', '--prompt', 'p', '--env', 'API_KEY=hunter2'],
    'env.API_KEY: a literal that looks like',
  ],
  [['create', 'x', '--file', 'no-such-file'], 'no-such-file cannot be read'],
  [['create', '--file', '-'], 'stdin is not a JSON object'],
  [['example', 'nobody'], 'provider'],
  [['delete', 'nobody'], 'there is no agent nobody'],
  [['frobnicate'], 'unknown command'],
])('agents %j is wrong use, and says why', async (args, words) => {
  const { code, stdout, stderr } = await agents(args, 'no json');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(words);
  expect(stderr).not.toContain('hunter2');
});
