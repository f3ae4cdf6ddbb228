import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Balancer, startBalancer } from '../support/balancer.js';
import { bearerOf } from '../support/http-token.js';
import { makePlace, steps } from '../support/pool.js';
import { type Facts, type Started, startServeProcess, startWorkerProcess } from '../support/processes.js';

const place = makePlace();
let worker: Started;
let servers: (Started & { readonly url: string })[];
let balancer: Balancer;

beforeAll(async () => {
  [worker, ...servers] = (await Promise.all([
    startWorkerProcess(place),
    startServeProcess(place),
    startServeProcess(place),
  ])) as [Started, ...typeof servers];
  balancer = await startBalancer(...servers.map(({ url }) => url));
});
afterAll(async () => {
  await balancer.stop();
  await Promise.all(servers.map((server) => server.end()));
  await worker.end();
  place.clean();
});

async function open(mode: 'legacy' | 'auto', url: string) {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(
    new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit: { headers: bearerOf(place) } }),
  );
  return {
    call: async (name: string, args: Facts, onprogress = () => {}) =>
      (await client.callTool({ name, arguments: args }, { onprogress })).structuredContent as Facts,
    close: () => client.close(),
  };
}

describe.each(['legacy', 'auto'] as const)('a client (%s) in front of two servers', (mode) => {
  it('submits, follows, waits and kills, whichever server answers', async () => {
    const { call, close } = await open(mode, balancer.url);
    const before = [...balancer.answered];
    const prompt = steps({ print: 'one\n' }, { pause: 300 }, { print: 'two\n' }, { pause: 600_000 });
    const { runId } = await call('run_agent', { runner: 'scripted', prompt });
    let text = '';
    for (let cursor: unknown; !text.endsWith('two\n'); ) {
      const page = await call('stream_agent_output', {
        runId,
        waitMs: 10_000,
        ...(cursor !== undefined && { cursor }),
      });
      text += page.output;
      cursor = page.nextCursor;
    }
    expect(text).toBe('one\ntwo\n');
    expect(await call('wait_agent', { runId, timeoutMs: 0 })).toMatchObject({ status: 'running', timedOut: true });
    expect(await call('kill_agent', { runId })).toMatchObject({ killed: true });
    expect(await call('get_agent_status', { runId })).toMatchObject({ status: 'killed' });
    const answered = balancer.answered.map((count, at) => count - (before[at] ?? 0));
    expect(Math.abs((answered[0] ?? 0) - (answered[1] ?? 0))).toBeLessThanOrEqual(1);
    await close();
  });

  it('whose server is ended in the middle of a wait gets its answer, and goes on with another', async () => {
    const leaving = await startServeProcess(place);
    const first = await open(mode, leaving.url);
    const { runId } = await first.call('run_agent', { runner: 'scripted', prompt: steps({ pause: 600_000 }) });
    let waiting: Promise<Facts> | undefined;
    await new Promise<void>((begun) => {
      waiting = first.call('wait_agent', { runId }, begun);
    });
    const ended = leaving.end('SIGTERM');
    expect(await waiting).toMatchObject({ runId, status: 'running', timedOut: true });
    await ended;
    const second = await open(mode, balancer.url);
    expect(await second.call('kill_agent', { runId })).toMatchObject({ killed: true });
    await Promise.all([first.close(), second.close()]);
  });
});
