import { beforeAll, describe, expect, test } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import type { Facts } from '../support/processes.js';

const place = onePlace({ TOKEN_A: 'what-only-the-worker-knows' });
oneWorker(place);
const mcp = oneMcp(place);
const replica = oneMcp(place);

beforeAll(async () => {
  for (const { client } of [mcp, replica]) await client.listTools(); // from now on answers are held against their schemas
});

const create = (name: string, extra: Facts = {}) =>
  mcp.call<Facts>('create_agent', { name, runner: 'scripted', prompt: 'You are a test.', ...extra });
const runToEnd = async (asked: Facts): Promise<Facts> => {
  const { runId } = await mcp.call<{ runId: string }>('run_agent', asked);
  await mcp.call<Facts>('wait_agent', { runId });
  return mcp.call<Facts>('get_agent_status', { runId });
};

describe('the agent tools', () => {
  test('create, list, show, change and delete a profile, for every client', async () => {
    expect(
      await create('helper', { description: 'helps', env: { TOKEN: '$TOKEN_A' }, timeoutMs: 60_000 }),
    ).toMatchObject({
      name: 'helper',
      revision: 1,
      variables: ['TOKEN_A'],
      createdAtIso: expect.stringMatching(/^20/),
    });
    expect(await replica.call('list_agents', {})).toMatchObject({ agents: [{ name: 'helper', runner: 'scripted' }] });
    expect(await replica.call('list_agents', { runner: 'demo' })).toEqual({ agents: [] });
    expect(await replica.call('get_agent_configs', { name: 'helper' })).toMatchObject({
      agents: [{ name: 'helper', prompt: 'You are a test.', env: { TOKEN: '$TOKEN_A' }, timeoutMs: 60_000 }],
    });
    const changes = { name: 'helper', description: null, env: { MODE: 'fast', TOKEN: null }, model: 'm-1' };
    expect(await replica.call('update_agent_config', changes)).toMatchObject({ revision: 2, env: { MODE: 'fast' } });
    const { agents } = await mcp.call<{ agents: Facts[] }>('get_agent_configs', {});
    expect(agents).toEqual([expect.objectContaining({ name: 'helper', model: 'm-1', variables: [] })]);
    expect(agents[0]).not.toHaveProperty('description');
    expect(await mcp.call('delete_agent', { name: 'helper' })).toEqual({ name: 'helper', deleted: true });
    expect(await replica.call('list_agents', {})).toEqual({ agents: [] });
  });

  test.each([
    ['create_agent', { name: 'x', runner: 'nobody', prompt: 'p' }, 'unknown_runner', 'nobody'],
    ['create_agent', { name: 'x', runner: 'demo', prompt: 'p', mode: 'hasty' }, 'invalid_argument', 'hasty'],
    ['create_agent', { name: 'a b', runner: 'demo', prompt: 'p' }, 'invalid_argument', 'name'],
    [
      'create_agent',
      { name: 'x', runner: 'demo', prompt: 'p', env: { AGENTPOOL_HOME: '/' } },
      'invalid_argument',
      'env',
    ],
    ['create_agent', { name: 'x', runner: 'demo', prompt: 'p', path: 'here' }, 'invalid_argument', 'path'],
    [
      'create_agent',
      { name: 'x', runner: 'demo', prompt: 'p', env: { API_KEY: 'abc' } },
      'secret_in_profile',
      'env.API_KEY',
    ],
    ['create_agent', { name: 'x', runner: 'demo', prompt: 'p', env: { A: '$REDIS_URL' } }, 'invalid_argument', 'env.A'],
    ['update_agent_config', { name: 'nobody', model: 'm' }, 'unknown_agent', 'nobody'],
    ['update_agent_config', { name: 'nobody' }, 'invalid_argument', 'nothing'],
    ['delete_agent', { name: 'nobody' }, 'unknown_agent', 'nobody'],
    ['get_agent_configs', { name: 'nobody' }, 'unknown_agent', 'nobody'],
    ['config_example', { provider: 'nobody' }, 'invalid_argument', 'provider'],
    ['run_agent', { prompt: 'p' }, 'invalid_argument', 'runner'],
    ['run_agent', { agentName: 'nobody', prompt: 'p' }, 'invalid_argument', 'nobody'],
  ])('%s with %j is refused as %s', async (tool, asked, code, word) => {
    await expect(mcp.call(tool, asked)).rejects.toMatchObject({ code, message: expect.stringContaining(word) });
  });

  test('config_example answers with a profile that create_agent takes, and the lines for the worker', async () => {
    const example = await mcp.call<{ profile: Facts; dotEnv: string }>('config_example', {
      provider: 'glm',
      name: 'coder',
    });
    expect(example).toMatchObject({ variables: ['ZAI_API_KEY'], dotEnv: 'ZAI_API_KEY=...\n' });
    expect(await mcp.call('create_agent', example.profile)).toMatchObject({ name: 'coder', runner: 'claude' });
  });
});

describe('a run of a stored agent', () => {
  test('has the runner, the limits and the variables of its profile, whose values only the worker knows', async () => {
    await create('keeper', { env: { TOKEN: '$TOKEN_A', PLAIN: 'x' }, path: place.work, timeoutMs: 50_000 });
    const asked = { agentName: 'keeper', prompt: steps({ environment: ['TOKEN', 'PLAIN'] }) };
    expect(await runToEnd(asked)).toMatchObject({
      runner: 'scripted',
      agentName: 'keeper',
      path: place.work,
      status: 'done',
      outputTail: '{"TOKEN":"what-only-the-worker-knows","PLAIN":"x"}\n',
    });
  });

  test('has what the caller says instead of what the profile says', async () => {
    await create('obedient', { runner: 'demo', mode: 'calm', model: 'm-1', timeoutMs: 1_000 });
    const asked = { agentName: 'obedient', mode: 'quick', prompt: 'hello', timeoutMs: 60_000 };
    expect(await runToEnd(asked)).toMatchObject({ runner: 'demo', mode: 'quick', model: 'm-1', status: 'done' });
    const other = await runToEnd({ ...asked, mode: undefined, runner: 'scripted', prompt: steps({ exit: 0 }) });
    expect(other).toMatchObject({ runner: 'scripted', status: 'done' });
    expect(other).not.toHaveProperty('model');
  });

  test('keeps the profile that it was submitted with', async () => {
    await create('changing', { env: { WHICH: 'first' } });
    const { runId } = await mcp.call<{ runId: string }>('run_agent', {
      agentName: 'changing',
      prompt: steps({ environment: ['WHICH'] }),
      delayMs: 1_000,
    });
    await mcp.call('update_agent_config', { name: 'changing', env: { WHICH: 'second' } });
    await mcp.call('delete_agent', { name: 'changing' });
    expect(await mcp.call('wait_agent', { runId })).toMatchObject({ status: 'done', output: '{"WHICH":"first"}\n' });
  });

  test('is refused MCP servers that its program cannot be given', async () => {
    await expect(create('connected', { mcpServers: { tools: { command: 'cat' } } })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('takes no MCP servers'),
      hint: expect.stringContaining('claude'),
    });
  });

  test('fails with the names of the variables that the worker lacks', async () => {
    const env = { A: '$NO_SUCH_NAME', B: ['Bearer $', '{NOR_THIS}'].join('') };
    await create('lacking', { env });
    expect(await runToEnd({ agentName: 'lacking', prompt: steps({ exit: 0 }) })).toMatchObject({
      status: 'failed',
      failure: { kind: 'invalid_request', message: expect.stringMatching(/NO_SUCH_NAME, NOR_THIS/) },
    });
  });
});
