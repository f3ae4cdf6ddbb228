import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TOOLS } from '../../src/mcp/tools/list.js';
import { lastToolResults, type Script, startModelEndpoint } from '../support/model-endpoint.js';
import { makePlace } from '../support/pool.js';
import { type Facts, MAIN, type McpSession, openMcp, type Started, startWorkerProcess } from '../support/processes.js';
import { temporary } from './cli-pool.js';
import { CLAUDE, INSPECTOR, NODE_24, whyMissing } from './programs.js';
import { KEY } from './real-runner.js';
import { VERSIONS } from './versions.js';

const place = makePlace({ AGENTPOOL_RUNNERS: 'demo' });
let worker: Started;
let mcp: McpSession;

beforeAll(async () => {
  worker = await startWorkerProcess(place);
  mcp = await openMcp(place);
});
afterAll(async () => {
  await worker.end();
  await mcp.close();
  place.clean();
});

describe.skipIf(whyMissing('inspector'))(`MCP Inspector ${VERSIONS.inspector}`, () => {
  /** Asks a server of its own, by the Inspector's command line. */
  async function inspect(...args: string[]) {
    const settings = Object.entries(place.env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const server = [process.execPath, MAIN, 'mcp'];
    const { exitCode, stdout, stderr } = await execa(
      NODE_24,
      [INSPECTOR, '--cli', ...settings, ...server, '--format', 'json', ...args],
      { env: place.env, extendEnv: false, cwd: place.work, reject: false },
    );
    return { exitCode, stderr, result: stdout === '' ? undefined : JSON.parse(stdout).result };
  }
  const call = (tool: string, args: Facts) =>
    inspect('--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args));

  test('lists the tools, and its strict look at their schemas finds nothing', async () => {
    const { exitCode, stderr, result } = await inspect('--method', 'tools/list', '--strict');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(TOOLS.map(({ name }) => name));
  });

  test('submits a run and gets its result from another server process', async () => {
    const submitted = await call('run_agent', { runner: 'demo', mode: 'quick', prompt: 'say hello' });
    expect(submitted).toMatchObject({ exitCode: 0, result: { structuredContent: { status: 'running' } } });
    const { runId } = submitted.result.structuredContent;
    const waited = await call('wait_agent', { runId });
    expect(waited).toMatchObject({
      exitCode: 0,
      result: { structuredContent: { runId, status: 'done', result: 'done with "say hello" in 8 steps' } },
    });
  });

  test('with the newest protocol takes the run as a task, and gets its result from one call', async () => {
    const args = JSON.stringify({ runner: 'demo', mode: 'quick', prompt: 'say hello' });
    const task = ['--protocol-era', 'modern', '--method', 'tools/call', '--tool-name', 'run_agent'];
    expect(await inspect(...task, '--tool-args-json', args)).toMatchObject({
      exitCode: 0,
      result: { structuredContent: { status: 'done', result: 'done with "say hello" in 8 steps' } },
    });
  });

  test('shows an error of a tool as one, with code, message and hint', async () => {
    const { exitCode, result } = await call('get_agent_status', { runId: 'nobody' });
    expect(exitCode).toBe(5);
    expect(result).toMatchObject({ isError: true });
    expect(result.structuredContent).toEqual({
      code: 'unknown_run',
      message: 'there is no run nobody',
      hint: expect.stringContaining('list_runs'),
    });
  });
});

describe.skipIf(whyMissing('claude'))(`claude ${VERSIONS.claude} as an MCP client`, () => {
  /** One conversation of claude with the scripted model, which may call our tools. */
  async function converse(script: Script) {
    const model = await startModelEndpoint('anthropic', KEY);
    const asked = model.play(script);
    const config = join(place.work, 'mcp.json');
    const server = { command: process.execPath, args: [MAIN, 'mcp'], env: place.env };
    writeFileSync(config, JSON.stringify({ mcpServers: { agentpool: server } }));
    const { exitCode, stdout } = await execa(
      CLAUDE,
      [
        ...['-p', '--bare', '--output-format', 'stream-json', '--verbose', '--allowedTools', 'mcp__agentpool'],
        ...['--mcp-config', config, '--strict-mcp-config'],
      ],
      {
        input: 'Use the pool.',
        cwd: place.work,
        extendEnv: false,
        reject: false,
        env: {
          PATH: place.env.PATH,
          HOME: place.env.HOME,
          ANTHROPIC_BASE_URL: model.url,
          ANTHROPIC_API_KEY: KEY,
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          ENABLE_TOOL_SEARCH: 'false',
          ...temporary(place),
        },
      },
    );
    await model.stop();
    const lines = stdout.split('\n').map((line): Facts => JSON.parse(line));
    return { exitCode, first: lines[0], last: lines.at(-1), asked };
  }

  const answers = (asked: Parameters<Script>[0]): Facts[] => lastToolResults(asked).map((text) => JSON.parse(text));

  test('its model is offered every tool, submits a run, waits for it and tells its result', async () => {
    const { exitCode, first, last, asked } = await converse((question) => {
      const [answer] = answers(question);
      if (!answer)
        return {
          call: { tool: 'mcp__agentpool__run_agent', input: { runner: 'demo', mode: 'quick', prompt: 'say hello' } },
        };
      if (!('timedOut' in answer))
        return { call: { tool: 'mcp__agentpool__wait_agent', input: { runId: answer.runId } } };
      return { say: [`The run says: ${answer.result}`] };
    });
    expect(first).toMatchObject({ mcp_servers: [{ name: 'agentpool', status: 'connected' }] });
    expect(asked[0]?.tools).toEqual(expect.arrayContaining(TOOLS.map(({ name }) => `mcp__agentpool__${name}`)));
    const [submitted, waited] = asked.flatMap(answers);
    expect(submitted).toMatchObject({ runId: expect.any(String), runner: 'demo', status: 'running' });
    expect(waited).toMatchObject({
      runId: submitted?.runId,
      status: 'done',
      result: 'done with "say hello" in 8 steps',
      timedOut: false,
    });
    expect(last).toMatchObject({ type: 'result', result: 'The run says: done with "say hello" in 8 steps' });
    expect(exitCode).toBe(0);
    expect(await mcp.call('get_agent_status', { runId: submitted?.runId })).toMatchObject({ status: 'done' });
  });

  test('its model is told the code and the hint of an error', async () => {
    const { asked } = await converse((question) =>
      lastToolResults(question).length > 0
        ? { say: ['There is none.'] }
        : { call: { tool: 'mcp__agentpool__get_agent_status', input: { runId: 'nobody' } } },
    );
    expect(asked.flatMap(answers)).toEqual([
      { code: 'unknown_run', message: 'there is no run nobody', hint: expect.stringContaining('list_runs') },
    ]);
  });
});
