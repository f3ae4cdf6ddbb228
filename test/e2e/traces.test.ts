import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport, type VersionNegotiationOptions } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pool } from '../../src/shared/pool.js';
import { claude, installClaudeStandIn } from '../support/claude-stand-in.js';
import { bearerOf } from '../support/http-token.js';
import { connect, makePlace, type Place, steps } from '../support/pool.js';
import {
  agentpool,
  eventually,
  type McpSession,
  openMcp,
  type Started,
  startServeProcess,
  startWorkerProcess,
} from '../support/processes.js';
import { removeDirectory } from '../support/remove-directory.js';
import { type SeenSpan, startSpanSink } from '../support/span-sink.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const TRACE = 'abcdef0123456789abcdef0123456789';
const OTHER = '00000000000000000000000000abcdef';
const SPAN = '00f067aa0ba902b7';
const parentIn = (trace: string) => `00-${trace}-${SPAN}-01`;

let sink: Awaited<ReturnType<typeof startSpanSink>>;
let place: Place;
let pool: Pool;
let mcp: McpSession;
let worker: Started;
let server: Awaited<ReturnType<typeof startServeProcess>>;

beforeAll(async () => {
  sink = await startSpanSink();
  place = makePlace({
    AGENTPOOL_HOST_NAME: 'here',
    AGENTPOOL_TRACES: 'otlp',
    AGENTPOOL_LOG_LEVEL: 'debug',
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  });
  installClaudeStandIn(place);
  pool = await connect({ ...place, env: { ...place.env, AGENTPOOL_TRACES: 'off' } });
  const quiet = { ...place, env: { ...place.env, AGENTPOOL_LOG_LEVEL: 'error' } };
  [worker, server, mcp] = await Promise.all([startWorkerProcess(place), startServeProcess(place), openMcp(quiet)]);
});
afterAll(async () => {
  await mcp.close();
  await Promise.all([worker.end('SIGKILL'), server.end('SIGKILL')]);
  await pool.stop();
  sink.stop();
  place.clean();
});

type Protocol = NonNullable<VersionNegotiationOptions['mode']>;

/** Calls run_agent over HTTP; answers the id of the run. */
async function runOverHttp(mode: Protocol, header: string, meta?: Record<string, unknown>): Promise<string> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  const headers = { ...bearerOf(place), traceparent: header };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', server.url), { requestInit: { headers } }));
  const { structuredContent } = await client.callTool({
    name: 'run_agent',
    arguments: { runner: 'scripted', prompt: steps({ print: 'x' }) },
    ...(meta && { _meta: meta }),
  });
  await client.close();
  return (structuredContent as { runId: string }).runId;
}

/** The spans that tell of a run, by what they are; its submission was a call of a tool. */
async function spansOf(runId: string) {
  const of = (fact: string) => sink.spans.filter(({ attributes }) => attributes[fact] === runId);
  const run = () => of('agentpool.run.id').find(({ name }) => name.startsWith('invoke_agent '));
  await eventually(() => run() && of('messaging.message.id').length === 2 && of('agentpool.run.id').length >= 2);
  return {
    call: of('agentpool.run.id').find(({ name }) => name.startsWith('tools/call ')) as SeenSpan,
    sent: of('messaging.message.id').find(({ name }) => name.startsWith('send ')) as SeenSpan,
    received: of('messaging.message.id').find(({ name }) => name.startsWith('receive ')) as SeenSpan,
    run: run() as SeenSpan,
  };
}

describe('a call that names its place in a trace', () => {
  it('has its run, from the call to its end, in that trace', async () => {
    const prompt = steps(
      claude.uses('t1', 'Bash', { command: 'echo the-secret-of-the-input' }),
      claude.uses('t2', 'Edit', { file_path: '/the-secret-of-the-input' }),
      claude.says('the-secret-of-the-answer'),
      claude.result('the-secret-of-the-answer', { usage: { input_tokens: 120, output_tokens: 34 } }),
      { note: { file: join(place.work, 'ignored'), text: 'the-secret-of-the-prompt' } },
    );
    const answer = await mcp.client.callTool({
      name: 'run_agent',
      arguments: { runner: 'claude', agentName: 'reviewer', model: 'some-model', prompt },
      _meta: { traceparent: parentIn(TRACE), tracestate: 'vendor=1' },
    });
    const { runId } = answer.structuredContent as { runId: string };
    await mcp.call('wait_agent', { runId });
    const { call, sent, received, run } = await spansOf(runId);

    expect([call, sent, received, run].map(({ traceId }) => traceId)).toEqual(Array(4).fill(TRACE));
    expect(call).toMatchObject({
      name: 'tools/call run_agent',
      parentSpanId: SPAN,
      kind: 2,
      traceState: 'vendor=1',
      attributes: { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'run_agent', 'network.transport': 'pipe' },
      resource: { 'service.name': 'agentpool', 'deployment.environment.name': 'test' },
    });
    expect(sent).toMatchObject({ name: 'send runs.claude', parentSpanId: call.spanId, kind: 4 });
    expect(received).toMatchObject({ name: 'receive runs.claude', parentSpanId: sent.spanId, kind: 5 });
    expect(run).toMatchObject({
      name: 'invoke_agent reviewer',
      parentSpanId: sent.spanId,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.agent.name': 'reviewer',
        'gen_ai.request.model': 'some-model',
        'gen_ai.usage.input_tokens': 120,
        'gen_ai.usage.output_tokens': 34,
        'agentpool.run.state': 'done',
        'agentpool.run.tool_calls': 2,
        'agentpool.host': 'here',
        'process.exit.code': 0,
      },
    });
    expect(run.events.map(({ name, attributes }) => [name, attributes['gen_ai.tool.name']])).toEqual([
      ['execute_tool', 'Bash'],
      ['execute_tool', 'Edit'],
    ]);
    expect(run.status.code).not.toBe(2);
    const { queuedAt, claimedAt = 0, endedAt = 0 } = (await pool.runs.get(runId)) ?? { queuedAt: 0 };
    expect(run.endTimeUnixNano - run.startTimeUnixNano).toBeCloseTo(endedAt - claimedAt, 0);
    expect(received.endTimeUnixNano - received.startTimeUnixNano).toBeCloseTo(claimedAt - queuedAt, 0);
    expect(sink.raw()).not.toContain('the-secret-of');
  });

  it.each([
    ['of the older protocols, by the header of its request', 'legacy', false],
    ['of the newest protocol, by the header of its request', { pin: '2026-07-28' }, false],
    ['of the older protocols, by its own word before that of its request', 'legacy', true],
    ['of the newest protocol, by its own word before that of its request', { pin: '2026-07-28' }, true],
  ] as const)('is %s', async (_, mode, itself) => {
    const meta = itself ? { traceparent: parentIn(TRACE) } : undefined;
    const { call, run } = await spansOf(await runOverHttp(mode, parentIn(OTHER), meta));
    expect([call.traceId, run.traceId]).toEqual(Array(2).fill(itself ? TRACE : OTHER));
    expect(call.links.map(({ traceId }) => traceId)).toEqual(itself ? [OTHER] : []);
  });
});

describe('a run', () => {
  it('whose worker is killed is told of once, in its trace, by the worker that takes it over', async () => {
    const go = join(place.work, 'go');
    const { runId } = await mcp.call<{ runId: string }>('run_agent', {
      runner: 'claude',
      prompt: steps(claude.uses('t1', 'Bash', {}), { until: go }, claude.result('there')),
    });
    await eventually(async () => (await pool.runs.get(runId))?.outBytes);
    await worker.end('SIGKILL');
    worker = await startWorkerProcess(place);
    await agentpool(place, ['run', 'scripted', steps({ note: { file: go, text: '' } })]);
    await mcp.call('wait_agent', { runId });
    const { call, run } = await spansOf(runId);
    expect(run.traceId).toBe(call.traceId);
    expect(run.events.map(({ attributes }) => attributes['gen_ai.tool.name'])).toEqual(['Bash']);
    expect(
      sink.spans.filter(({ name, attributes }) => /^invoke/.test(name) && attributes['agentpool.run.id'] === runId),
    ).toHaveLength(1);
  });

  it('that fails ends with its kind of failure, and one that is asked for again is linked with it', async () => {
    const { runId } = await mcp.call<{ runId: string }>('run_agent', {
      runner: 'claude',
      prompt: steps(...claude.refused(401)),
    });
    await mcp.call('wait_agent', { runId });
    const { sent, run } = await spansOf(runId);
    expect(run).toMatchObject({
      attributes: { 'error.type': 'auth', 'agentpool.run.state': 'failed' },
      status: { code: 2 },
    });
    const { stdout } = await agentpool(place, ['rerun', runId, '--json']);
    const [again] = JSON.parse(stdout) as [{ runId: string }];
    const resent = await eventually(() =>
      sink.named('send runs.claude').find(({ attributes }) => attributes['messaging.message.id'] === again.runId),
    );
    expect(resent?.links).toMatchObject([{ traceId: sent.traceId, spanId: sent.spanId }]);
  });

  it('that is killed while it runs has no error', async () => {
    const { runId } = await mcp.call<{ runId: string }>('run_agent', {
      runner: 'scripted',
      prompt: steps({ pause: 60_000 }),
    });
    await mcp.call('kill_agent', { runId });
    const { run } = await spansOf(runId);
    expect(run.attributes).toMatchObject({ 'agentpool.run.state': 'killed' });
    expect(run.status.code).not.toBe(2);
  });
});

it('a call that is refused ends with its code', async () => {
  await expect(mcp.call('get_agent_status', { runId: 'nobody' })).rejects.toThrow();
  const [call] = await eventually(
    () => sink.named('tools/call get_agent_status').filter(({ status }) => status.code === 2),
    (found) => found.length > 0,
  );
  expect(call?.attributes).toMatchObject({ 'error.type': 'tool_error', 'agentpool.error.code': 'unknown_run' });
});

it.each([
  ['a line of a log', `${parentIn(TRACE)}\n{"level":60,"msg":"forged"}`],
  ['something else', { traceparent: 'forged' }],
  ['a megabyte', `cc-${TRACE}-${SPAN}-01-forged${'x'.repeat(1_000_000)}`],
])('a place in a trace that is %s begins another trace, and is in no log', async (_, traceparent) => {
  const { call, run } = await spansOf(await runOverHttp('legacy', 'forged', { traceparent }));
  expect(call.parentSpanId ?? '').toBe('');
  expect([call.traceId, run.traceId]).not.toContain(TRACE);
  expect(run.traceId).toBe(call.traceId);
  expect(worker.log() + server.log() + sink.raw()).not.toContain('forged');
});

describe('without traces', () => {
  it('nothing is sent or stored, whatever place in a trace a call names', async () => {
    const off = { ...place, env: { ...place.env, AGENTPOOL_TRACES: 'off', AGENTPOOL_LOG_LEVEL: 'error' } };
    const before = sink.spans.length;
    const quiet = await openMcp(off);
    const answer = await quiet.client.callTool({
      name: 'run_agent',
      arguments: { runner: 'missing', prompt: 'x' },
      _meta: { traceparent: parentIn(TRACE) },
    });
    await quiet.close();
    const { runId } = answer.structuredContent as { runId: string };
    expect((await pool.runs.get(runId))?.trace).toBeUndefined();
    expect(sink.spans.length).toBe(before);
  });
});

describe('traces by what an operator has installed', () => {
  it('are told to what `node --import` has registered', async () => {
    const own = await startSpanSink();
    const loader = new URL('../fixtures/register-traces.mjs', import.meta.url).href;
    const env = { ...place.env, AGENTPOOL_TRACES: 'api', SINK: own.url, NODE_OPTIONS: `--import ${loader}` };
    const { code, stderr } = await agentpool({ ...place, env }, ['run', 'scripted', steps({ print: 'x' })]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(own.named('send runs.scripted')).toHaveLength(1);
    own.stop();
  });

  it('are refused in plain words where the packages are not there', async () => {
    const alone = mkdtempSync(join(tmpdir(), 'ap-traces-'));
    for (const name of ['dist', 'package.json']) cpSync(join(ROOT, name), join(alone, name), { recursive: true });
    const refused = await agentpool(place, ['runs'], '', join(alone, 'dist/cli/main.js'));
    removeDirectory(alone);
    expect(refused.code).toBe(78);
    expect(refused.stderr).toContain('AGENTPOOL_TRACES=otlp');
    expect(refused.stderr).toContain('npm install');
  });

  it('do not hold anybody up where the collector is away', async () => {
    const env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
    const run = await agentpool({ ...place, env }, ['run', 'scripted', '--raw', steps({ print: 'x' })]);
    expect(run).toMatchObject({ code: 0, stdout: 'x' });
  });
});
