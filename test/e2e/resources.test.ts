import { Client, StreamableHTTPClientTransport, type VersionNegotiationOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneServer, oneWorker } from '../support/beginnings.js';
import { bearerOf } from '../support/http-token.js';
import { steps } from '../support/pool.js';
import { eventually, type Facts, MAIN } from '../support/processes.js';

type Mode = NonNullable<VersionNegotiationOptions['mode']>;
const place = onePlace();
oneWorker(place);
const server = oneServer(place);
const mcp = oneMcp(place);

const submit = async (list: Facts[], more: Facts = {}) =>
  (await mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(...list), ...more })).runId;
const ended = async (list: Facts[], more: Facts = {}) => {
  const runId = await submit(list, more);
  await mcp.call('wait_agent', { runId });
  return runId;
};

const TRANSPORTS = {
  'on stdio': () =>
    new StdioClientTransport({ command: process.execPath, args: [MAIN, 'mcp'], cwd: place.work, env: place.env }),
  'over HTTP': () =>
    new StreamableHTTPClientTransport(new URL('/mcp', server.url), { requestInit: { headers: bearerOf(place) } }),
};
const CASES = (
  [
    ['2025-11-25', 'legacy'],
    ['2026-07-28', { pin: '2026-07-28' }],
  ] as const
).flatMap(([version, mode]) =>
  (['on stdio', 'over HTTP'] as const).map((where) => [version, where, mode as Mode] as const),
);

async function connect(where: keyof typeof TRANSPORTS, mode: Mode): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(TRANSPORTS[where]());
  return client;
}

describe.each(CASES)('with protocol %s %s', (_, where, mode) => {
  let client: Client;
  beforeAll(async () => {
    client = await connect(where, mode);
  });
  afterAll(() => client.close());

  const read = async (uri: string) => {
    const { contents } = await client.readResource({ uri }, { cacheMode: 'bypass' } as never);
    return contents as { uri: string; mimeType?: string; text: string }[];
  };

  it('the newest runs are listed, with their records and outputs', async () => {
    const runId = await ended([{ print: 'hello\n' }], { agentName: 'newest' });
    const { resources } = await client.listResources();
    expect(resources.slice(0, 2)).toMatchObject([
      { uri: `agent://runs/${runId}`, name: `newest ${runId}`, mimeType: 'application/json' },
      { uri: `agent://runs/${runId}/output`, mimeType: 'text/plain', size: 6 },
    ]);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'agent://runs/{runId}',
      'agent://runs/{runId}/output{?cursor}',
    ]);
  });

  it('a record reads as the status of its run', async () => {
    const runId = await ended([{ print: '{"result":"42"}\n' }]);
    const [record] = await read(`agent://runs/${runId}`);
    expect(JSON.parse(record?.text ?? '')).toMatchObject({ runId, status: 'done', result: '42' });
  });

  it('an output is read to its end by following what each part says comes next', async () => {
    const runId = await ended([{ lines: { count: 900 } }]);
    let all = '';
    let uri: string | undefined = `agent://runs/${runId}/output`;
    for (let parts = 0; uri; parts += 1) {
      expect(parts).toBeLessThan(10);
      const [text, rest] = await read(uri);
      all += text?.text;
      const { isComplete, next } = JSON.parse(rest?.text ?? '');
      expect(rest?.uri).toBe(next);
      uri = isComplete ? undefined : next;
    }
    expect(all.split('\n').slice(0, -1)).toHaveLength(900);
    expect(all).toHaveLength(90_000);
  });

  it('an output is not read on from the cursor of another run', async () => {
    const [one, other] = [await ended([{ print: 'one\n' }]), await ended([{ print: 'other\n' }])];
    const [, rest] = await read(`agent://runs/${one}/output`);
    const uri = `agent://runs/${other}/output?cursor=${JSON.parse(rest?.text ?? '').nextCursor}`;
    await expect(read(uri)).rejects.toThrow(`belongs to run ${one}, not to ${other}`);
  });

  it.each([
    ['a way up and out', 'agent://runs/../../etc/passwd'],
    ['an encoded way up', 'agent://runs/%2e%2e%2f%2e%2e%2fetc%2fpasswd'],
    ['a way up behind a run', 'agent://runs/rxxxxxxxxxxxxxxxxxxx/../../../etc/passwd'],
    ['another scheme', 'file:///etc/passwd'],
    ['a key of Redis', 'agent://runs/{x}:events'],
    ['a cursor that is not one of ours', 'agent://runs/rxxxxxxxxxxxxxxxxxxx/output?cursor=*'],
    ['an argument that is none', 'agent://runs/rxxxxxxxxxxxxxxxxxxx/output?tail=5'],
    ['no uri at all', 'nonsense'],
  ])('%s is refused as a wrong argument', async (_, uri) => {
    await expect(client.readResource({ uri })).rejects.toMatchObject({
      code: -32_602,
      message: expect.stringContaining('not the uri of a run'),
    });
  });

  it('a run that is not there is refused, and so is its output', async () => {
    for (const part of ['', '/output'])
      await expect(client.readResource({ uri: `agent://runs/rxxxxxxxxxxxxxxxxxxx${part}` })).rejects.toThrow(
        /there is no run rx/,
      );
  });

  it('its prompts are listed and filled in, and what is wrong with one is said', async () => {
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(['compare_agents', 'what_is_running']);
    const compare = await client.getPrompt({ name: 'compare_agents', arguments: { task: 'find the bug' } });
    expect(compare.messages[0]?.content).toMatchObject({
      text: expect.stringMatching(/run_agents_parallel[\s\S]*find the bug/),
    });
    const running = await client.getPrompt({ name: 'what_is_running' });
    expect(running.messages[0]?.content).toMatchObject({ text: expect.stringContaining('list_runs') });
    await expect(client.getPrompt({ name: 'compare_agents' })).rejects.toMatchObject({ code: -32_602 });
    await expect(client.getPrompt({ name: 'nothing' })).rejects.toThrow(/compare_agents|no prompt/);
  });
});

/** What a subscriber is told, from now on. */
function listen(client: Client): string[] {
  const told: string[] = [];
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri));
  return told;
}

describe('a subscriber', () => {
  const subscribe = async (client: Client, uri: string) => {
    if (client.getNegotiatedProtocolVersion() === '2026-07-28') {
      const subscription = await client.listen({ resourceSubscriptions: [uri] });
      return () => subscription.close();
    }
    await client.subscribeResource({ uri });
    return () => client.unsubscribeResource({ uri });
  };

  it.each(CASES.filter(([version, where]) => version > '2026' || where === 'on stdio'))(
    'with protocol %s %s is told of what other processes change, at most once a second, and of the end',
    async (_, where, mode) => {
      const client = await connect(where, mode);
      const told = listen(client);
      const runId = await submit([{ lines: { count: 4_000, everyMs: 50 } }]);
      const uri = `agent://runs/${runId}/output`;
      const begun = performance.now();
      const stop = await subscribe(client, uri);
      await eventually(() => told.length >= 3);
      expect(told.length).toBeLessThanOrEqual((performance.now() - begun) / 1_000 + 1);
      expect(new Set(told)).toEqual(new Set([uri]));
      await mcp.call('kill_agent', { runId, graceMs: 100 });
      const silent = await submit([{ pause: 60_000 }]);
      const stopSilent = await subscribe(client, `agent://runs/${silent}`);
      await eventually(
        () => mcp.call<Facts>('get_agent_status', { runId: silent }),
        ({ pid }) => pid !== undefined,
      );
      const before = told.length;
      await mcp.call('kill_agent', { runId: silent, graceMs: 100 });
      await eventually(() => told.length > before && told.at(-1) === `agent://runs/${silent}`);
      await stopSilent();
      await stop();
      await client.close();
    },
  );

  it.each(CASES.filter(([version, where]) => version > '2026' || where === 'on stdio'))(
    'with protocol %s %s that has unsubscribed is told no more',
    async (_, where, mode) => {
      const client = await connect(where, mode);
      const told = listen(client);
      const runId = await submit([{ lines: { count: 400, everyMs: 50 } }]);
      const uri = `agent://runs/${runId}`;
      const stop = await subscribe(client, uri);
      await eventually(() => told.length > 0);
      await stop();
      await client.readResource({ uri }, { cacheMode: 'bypass' } as never); // what was on its way has come by now
      const before = told.length;
      await ended([{ pause: 2_000 }]);
      expect(told.length).toBe(before);
      await mcp.call('kill_agent', { runId, graceMs: 100 });
      await client.close();
    },
  );

  it('with the older protocol on stdio is refused what is not there, with the code of that protocol', async () => {
    expect(mcp.client.getServerCapabilities()?.resources).toEqual({ subscribe: true });
    for (const ask of [
      (uri: string) => mcp.client.subscribeResource({ uri }),
      (uri: string) => mcp.client.readResource({ uri }),
    ]) {
      await expect(ask('agent://runs/nobody')).rejects.toMatchObject({ code: -32_002 });
      await expect(ask('agent://runs/../x')).rejects.toMatchObject({ code: -32_602 });
    }
  });

  it('with the older protocol over HTTP, where nothing stays, is told that there are no subscriptions', async () => {
    const client = await connect('over HTTP', 'legacy');
    expect(client.getServerCapabilities()?.resources).toEqual({});
    await client.close();
  });
});
