import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport, type VersionNegotiationOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOOLS } from '../../src/mcp/tools/list.js';
import { onePlace, oneServer, oneWorker } from '../support/beginnings.js';
import { bearerOf } from '../support/http-token.js';
import { steps } from '../support/pool.js';
import { type Facts, MAIN } from '../support/processes.js';

type Mode = NonNullable<VersionNegotiationOptions['mode']>;
const MODES: readonly (readonly [string, Mode, string])[] = [
  ['that speaks only the older protocols', 'legacy', '2025-11-25'],
  ['that asks what the server speaks', 'auto', '2026-07-28'],
  ['that insists on the newest', { pin: '2026-07-28' }, '2026-07-28'],
];

const place = onePlace();
oneWorker(place);
const server = oneServer(place);

const TRANSPORTS = {
  'on stdio': () =>
    new StdioClientTransport({ command: process.execPath, args: [MAIN, 'mcp'], cwd: place.work, env: place.env }),
  'over HTTP': () =>
    new StreamableHTTPClientTransport(new URL('/mcp', server.url), { requestInit: { headers: bearerOf(place) } }),
} as const;
const CASES = MODES.flatMap(([which, mode, version]) =>
  (['on stdio', 'over HTTP'] as const).map((where) => [which, where, mode, version] as const),
);

describe.each(CASES)('a client %s, %s,', (_, where, mode, version) => {
  let client: Client;
  beforeAll(async () => {
    client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(TRANSPORTS[where]());
  });
  afterAll(() => client.close());

  const call = async (name: string, args: Facts, tell: (message: string) => void = () => {}) =>
    client.callTool({ name, arguments: args }, { onprogress: ({ message }) => tell(message ?? '') });

  it('is served with every tool in that version', async () => {
    expect(client.getNegotiatedProtocolVersion()).toBe(version);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
  });

  it('submits a run, hears of its progress, and gets its result', async () => {
    const gate = join(place.work, `told ${where} ${JSON.stringify(mode)}`);
    const prompt = steps({ print: 'working\n' }, { until: gate }, { print: '{"result":"42"}\n' });
    const submitted = await call('run_agent', { runner: 'scripted', prompt });
    const { runId } = submitted.structuredContent as { runId: string };
    const told: string[] = [];
    const waited = await call('wait_agent', { runId }, (message) => {
      told.push(message);
      writeFileSync(gate, '');
    });
    expect(waited.structuredContent).toMatchObject({ status: 'done', result: '42', timedOut: false });
    expect(told[0]).toMatch(/^scripted: (queued|running), \d+ lines?/);
  });

  it('gets an error of a tool in both places, and is told which tools there are', async () => {
    const { isError, content, structuredContent } = await call('get_agent_status', { runId: 'nobody' });
    expect(isError).toBe(true);
    expect(structuredContent).toMatchObject({ code: 'unknown_run', hint: expect.stringContaining('list_runs') });
    expect(content).toEqual([{ type: 'text', text: JSON.stringify(structuredContent) }]);
    await expect(call('no_such_tool', {})).rejects.toThrow(/there is no tool no_such_tool; there are run_agent, /);
  });

  it('gives up a wait, and the run goes on', async () => {
    const submitted = await call('run_agent', { runner: 'scripted', prompt: steps({ pause: 500 }, { print: 'x' }) });
    const { runId } = submitted.structuredContent as { runId: string };
    const given = new AbortController();
    const waiting = client.callTool({ name: 'wait_agent', arguments: { runId } }, { signal: given.signal });
    given.abort();
    await expect(waiting).rejects.toThrow();
    expect((await call('wait_agent', { runId })).structuredContent).toMatchObject({ status: 'done', output: 'x' });
  });
});
