import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TOOLS } from '../../src/mcp/tools/list.js';
import { bearerOf } from '../support/http-token.js';
import { lastToolResults, type Script, startModelEndpoint } from '../support/model-endpoint.js';
import { makePlace } from '../support/pool.js';
import { type Facts, MAIN, type Started, startServeProcess, startWorkerProcess } from '../support/processes.js';
import { temporary } from './cli-pool.js';
import { CLAUDE, CODEX, INSPECTOR, MCPORTER, NODE_24, PATH, whyMissing } from './programs.js';
import { KEY } from './real-runner.js';
import { VERSIONS } from './versions.js';

/** What the client itself gives a call (s); the run takes longer. */
const CLIENT_LIMIT_S = 4;
const LONG = { runner: 'demo', agentName: 'long', prompt: 'lines 20 every 500' };
const ENDLESS = { runner: 'demo', agentName: 'endless', prompt: 'lines 10000 every 100' };

const place = makePlace({ AGENTPOOL_RUNNERS: 'demo' });
let worker: Started;
let server: Started & { readonly url: string };

beforeAll(async () => {
  worker = await startWorkerProcess(place);
  server = await startServeProcess(place);
});
afterAll(async () => {
  await server.end();
  await worker.end();
  place.clean();
});

/** What a tool has answered, whatever a client writes around it; nothing when it was cut off. */
function answerIn(text: string): Facts | undefined {
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}')];
  return from < 0 ? undefined : JSON.parse(text.slice(from, to + 1));
}

/** A model that submits, waits longer than its client does, follows, waits on in pieces, and kills another run. */
function patientModel(nameOf: (tool: string) => string) {
  const told: string[] = [];
  const script: Script = (question) => {
    const [text] = lastToolResults(question);
    if (text !== undefined) told.push(text);
    const last = answerIn(text ?? '');
    const { runId } = answerIn(told[0] ?? '') ?? {};
    const call = (tool: string, input: Facts) => ({ call: { tool: nameOf(tool), input } });
    if (told.length === 0) return call('run_agent', LONG);
    if (told.length === 1) return call('wait_agent', { runId });
    if (told.length === 2) return call('stream_agent_output', { runId });
    if (last?.killed !== undefined) return { say: ['All is done.'] };
    if (last?.agentName === 'endless') return call('kill_agent', { runId: last.runId, graceMs: 100 });
    if (last?.timedOut === false) return call('run_agent', ENDLESS);
    return call('wait_agent', { runId, timeoutMs: 2_000 });
  };
  return { told, script };
}

function expectNothingLost(told: readonly string[]): void {
  expect(answerIn(told[0] ?? '')).toMatchObject({ status: 'running', agentName: 'long' });
  expect(told[1]).toMatch(/timed out/);
  expect(answerIn(told[2] ?? '')).toMatchObject({ output: expect.stringContaining('step 1 of 20') });
  const answers = told.slice(3).map(answerIn);
  expect(answers).toContainEqual(expect.objectContaining({ status: 'running', timedOut: true }));
  expect(answers).toContainEqual(expect.objectContaining({ status: 'done', timedOut: false }));
  expect(answers.at(-1)).toMatchObject({ killed: true, status: 'killed' });
}

describe.skipIf(whyMissing('claude'))(`claude ${VERSIONS.claude} over HTTP`, () => {
  test('submits, waits beyond its own limit, follows, and kills; no run is lost', async () => {
    const { told, script } = patientModel((tool) => `mcp__agentpool__${tool}`);
    const model = await startModelEndpoint('anthropic', KEY);
    model.play(script);
    const config = join(place.work, 'mcp.json');
    const servers = { agentpool: { type: 'http', url: `${server.url}/mcp`, headers: bearerOf(place) } };
    writeFileSync(config, JSON.stringify({ mcpServers: servers }));
    const talk = ['-p', '--bare', '--output-format', 'json', '--allowedTools', 'mcp__agentpool'];
    const { exitCode, stdout } = await execa(CLAUDE, [...talk, '--mcp-config', config, '--strict-mcp-config'], {
      input: 'Use the pool.',
      cwd: place.work,
      extendEnv: false,
      reject: false,
      env: {
        PATH,
        HOME: place.env.HOME,
        ANTHROPIC_BASE_URL: model.url,
        ANTHROPIC_API_KEY: KEY,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        ENABLE_TOOL_SEARCH: 'false',
        MCP_TOOL_TIMEOUT: String(CLIENT_LIMIT_S * 1_000),
        ...temporary(place),
      },
    });
    await model.stop();
    expectNothingLost(told);
    expect([exitCode, JSON.parse(stdout).result]).toEqual([0, 'All is done.']);
  }, 180_000);
});

describe.skipIf(whyMissing('codex'))(`codex ${VERSIONS.codex} on stdio`, () => {
  test('submits, waits beyond its own limit, follows, and kills; no run is lost', async () => {
    const { told, script } = patientModel((tool) => `mcp__agentpool.${tool}`);
    const model = await startModelEndpoint('openai-responses', KEY);
    model.play(script);
    const settings = Object.entries(place.env).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    const config = join(place.env.HOME ?? '', '.codex', 'config.toml');
    mkdirSync(dirname(config), { recursive: true });
    writeFileSync(
      config,
      [
        'model_provider = "scripted"',
        '[model_providers.scripted]',
        'name = "scripted"',
        `base_url = "${model.url}/v1"`,
        'env_key = "SCRIPTED_KEY"',
        'wire_api = "responses"',
        '[mcp_servers.agentpool]',
        `command = ${JSON.stringify(process.execPath)}`,
        `args = ${JSON.stringify([MAIN, 'mcp'])}`,
        'required = true', // otherwise codex begins its turn without the tools of a server that takes a second to start
        `tool_timeout_sec = ${CLIENT_LIMIT_S}`,
        '[mcp_servers.agentpool.env]',
        ...settings,
      ].join('\n'),
    );
    const flags = ['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', '-m', 'gpt-5'];
    const { exitCode, stdout } = await execa(CODEX, ['exec', ...flags, 'Use the pool.'], {
      stdin: 'ignore',
      cwd: place.work,
      extendEnv: false,
      reject: false,
      env: { PATH, HOME: place.env.HOME, SCRIPTED_KEY: KEY, ...temporary(place) },
    });
    await model.stop();
    expectNothingLost(told);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('All is done.')]);
  }, 180_000);
});

type CallTool = (tool: string, args: Facts) => Promise<Facts>;

/** The same by a client without a model; each call is a process of its own. */
async function useAsScript(call: CallTool): Promise<void> {
  const { runId } = await call('run_agent', LONG);
  expect(await call('wait_agent', { runId, timeoutMs: 1_000 })).toMatchObject({ timedOut: true });
  expect(await call('stream_agent_output', { runId })).toMatchObject({
    output: expect.stringContaining('step 1 of 20'),
  });
  expect(await call('wait_agent', { runId })).toMatchObject({ status: 'done', timedOut: false });
  const endless = await call('run_agent', ENDLESS);
  expect(await call('kill_agent', { runId: endless.runId, graceMs: 100 })).toMatchObject({ killed: true });
}

describe.skipIf(whyMissing('inspector'))(`MCP Inspector ${VERSIONS.inspector} over HTTP`, () => {
  const inspect = async (era: string, ...args: string[]) => {
    const asked = [
      '--cli',
      `${server.url}/mcp`,
      '--transport',
      'http',
      '--protocol-era',
      era,
      '--format',
      'json',
      '--header',
      `Authorization: ${bearerOf(place).authorization}`,
      ...args,
    ];
    const { stdout } = await execa(NODE_24, [INSPECTOR, ...asked], {
      env: place.env,
      extendEnv: false,
      cwd: place.work,
    });
    return JSON.parse(stdout).result;
  };

  test.each(['legacy', 'modern'])(
    'lists, submits, waits, follows and kills in the %s era',
    async (era) => {
      const { tools } = await inspect(era, '--method', 'tools/list', '--strict');
      expect(tools.map(({ name }: { name: string }) => name)).toEqual(TOOLS.map(({ name }) => name));
      if (era === 'modern') return; // it takes a run as a task there, and waits for its end by itself
      await useAsScript(async (tool, args) => {
        const named = ['--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)];
        return (await inspect(era, ...named)).structuredContent;
      });
    },
    180_000,
  );
});

describe.skipIf(whyMissing('mcporter'))(`mcporter ${VERSIONS.mcporter} over HTTP`, () => {
  test('submits, waits, follows and kills', async () => {
    await useAsScript(async (tool, args) => {
      const header = ['--header', `Authorization=${bearerOf(place).authorization}`];
      const url = ['--http-url', `${server.url}/mcp`, '--allow-http', '--name', 'agentpool', ...header];
      const asked = ['call', ...url, tool, '--args', JSON.stringify(args), '--output', 'json'];
      const { stdout } = await execa(NODE_24, [MCPORTER, ...asked], {
        env: place.env,
        extendEnv: false,
        cwd: place.work,
      });
      return answerIn(stdout) ?? {};
    });
  }, 180_000);
});
