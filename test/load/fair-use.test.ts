import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect as dial, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import Table from 'cli-table3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/http.js';
import { makePlace } from '../support/pool.js';
import { type Facts, type Started, startServeProcess } from '../support/processes.js';

/** A principal that floods, and an innocent one that asks something small all the while. */
const hash = (secret: string) => createHash('sha256').update(secret).digest('hex');
const place = makePlace({
  AGENTPOOL_TOKENS: `flood:read+run+kill:${hash('flood')},keys:read:${hash('keys')},more:read:${hash('more-keys')},burst:read:${hash('burst')},bob:read+run:${hash('bob')}`,
  AGENTPOOL_BODY_TIMEOUT_MS: '3000',
  AGENTPOOL_MAX_QUEUED_RUNS: '20',
  AGENTPOOL_MAX_QUEUED_BYTES: '2000000',
});
let server: Started & { readonly url: string };
const table = new Table({
  head: ['flood', 'answers', 'memory at most (MiB)', 'another principal waits: median, worst (ms)'],
  style: { head: [], border: [] },
});
/** A server at rest has about 100 MiB. */
const BOUND_MIB = 400;

beforeAll(async () => {
  server = await startServeProcess(place);
});
afterAll(async () => {
  process.stderr.write(`\n${table.toString()}\n`);
  await server.end();
  place.clean();
});

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const message = (method: string, params: Facts = {}) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
const toolCall = (name: string, args: Facts) => message('tools/call', { name, arguments: args });
const post = (who: string, body: string, more: Record<string, string> = {}) =>
  ask(`${server.url}/mcp`, { method: 'POST', headers: { ...HEADERS, ...more, authorization: `Bearer ${who}` }, body });
const memoryMiB = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]) / 1_024;

/** Asks as bob, and looks at the memory, for as long as a flood goes on; notes all of it. */
async function during(what: string, flood: () => Promise<readonly string[]>): Promise<readonly string[]> {
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, memoryMiB());
  }, 10);
  const url = `${server.url}/mcp`;
  const body = toolCall('get_agent_status', { runId: 'none' });
  const request = { method: 'POST', headers: { ...HEADERS, authorization: 'Bearer bob' }, body };
  const innocent = new Worker(new URL('../support/innocent.mjs', import.meta.url), { workerData: { url, request } });
  const asked = Promise.race([
    once(innocent, 'message'),
    once(innocent, 'error').then(([error]) => Promise.reject(error)),
  ]);
  asked.catch(() => {}); // looked at below
  const answers = await flood().finally(() => innocent.postMessage('the flood is over'));
  const [waits] = (await asked) as [number[]];
  clearInterval(looking);
  waits.sort((one, other) => one - other);
  const counts = [...new Set(answers)].map((answer) => `${answers.filter((one) => one === answer).length} × ${answer}`);
  const [median, worst] = [waits[Math.floor(waits.length / 2)], waits.at(-1)].map((ms) => Math.round(ms ?? 0));
  table.push([what, counts.sort().join(', '), Math.round(most), `${median}, ${worst}`]);
  expect(most).toBeLessThan(BOUND_MIB);
  return answers;
}

const codeOf = ({ status, body }: { status: number; body: string }) =>
  status === 200 ? '200' : `${status} ${JSON.parse(body).code}`;
/** Who is refused while he is still sending may only see that the connection was closed. */
const answerTo = (who: string, body: string) => post(who, body).then(codeOf, () => 'hung up on');
const posts = (count: number, body: string) =>
  Promise.all(Array.from({ length: count }, () => answerTo('flood', body)));

/** Connections that send something raw and then do nothing; answers with what each was told, when all have ended. */
async function rawly(count: number, head: string, more: (socket: Socket) => void = () => {}): Promise<string[]> {
  const { hostname, port } = new URL(server.url);
  const one = () =>
    new Promise<string>((resolve) => {
      let heard = '';
      const socket = dial(Number(port), hostname, () => {
        socket.write(head);
        more(socket);
      });
      socket.on('data', (bytes) => {
        heard += bytes;
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(/^HTTP\/1.1 (\d+)/.exec(heard)?.[1] ?? 'hung up on'));
    });
  return Promise.all(Array.from({ length: count }, one));
}
const headOf = (length: number, method = 'POST', path = '/mcp') =>
  `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer flood\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: ${length}\r\n\r\n`;

describe('a flood of one principal is refused, and another one is answered all the while:', () => {
  it('20 bodies of 4 MB', async () => {
    const body = toolCall('run_agent', { runner: 'demo', prompt: 'x'.repeat(4_000_000) });
    const answers = await during('20 bodies of 4 MB', () => posts(20, body));
    expect(answers.filter((answer) => answer !== '200').length).toBeGreaterThanOrEqual(10);
  });

  it('300 bodies of 4 MB that never come to their end', async () => {
    const part = Buffer.alloc(3_900_000, 'x');
    const answers = await during('300 unfinished bodies', () =>
      rawly(300, headOf(4_000_000), (socket) => socket.write(part)),
    );
    expect(answers.filter((answer) => answer !== '429' && answer !== '408')).toEqual([]);
  });

  it('100 requests for a page with a body that trickles', async () => {
    const answers = await during('100 GETs whose bodies trickle', () =>
      rawly(100, headOf(1_000_000, 'GET', '/'), (socket) => {
        const drip = setInterval(() => socket.write('x'), 200);
        socket.on('close', () => clearInterval(drip));
      }),
    );
    expect(answers).toHaveLength(100); // each of them was ended
  });

  it('streams about 100 runs each', async () => {
    const uris = Array.from({ length: 100 }, (_, at) => `agent://runs/r${at}`);
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const body = message('subscriptions/listen', { notifications: { resourceSubscriptions: uris }, _meta: meta });
    const headers = {
      ...HEADERS,
      authorization: 'Bearer flood',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    };
    const answers = await during('200 streams about 100 runs each', () =>
      Promise.all(
        Array.from({ length: 200 }, async () => {
          const enough = new AbortController();
          const answer = await fetch(`${server.url}/mcp`, { method: 'POST', headers, body, signal: enough.signal });
          const told = answer.status === 200 ? '200' : `${answer.status} ${((await answer.json()) as Facts).code}`;
          setTimeout(() => enough.abort(), 1_000);
          return told;
        }),
      ),
    );
    expect(answers.filter((answer) => answer !== '200').length).toBeGreaterThanOrEqual(180);
  });

  it('requests with many unknown keys, which are counted, or too many', async () => {
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 0]));
    expect(
      await during('10 × 300,000 unknown keys', () =>
        Promise.all(Array.from({ length: 10 }, () => answerTo('keys', toolCall('pool_status', keys(300_000))))),
      ),
    ).not.toContain('200');
    const { body } = await post('more-keys', toolCall('pool_status', keys(10_000)));
    expect(body).toContain('9980 more');
    expect(body.length).toBeLessThan(20_000);
  });
});

it('of 10,000 requests at once the rate is answered, and the others are told when to come again', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  const { hostname, port } = new URL(server.url);
  const headers = { ...HEADERS, authorization: 'Bearer burst' };
  const ping = async () => {
    const asked = request({ hostname, port, path: '/mcp', method: 'POST', agent, headers });
    asked.end(message('ping'));
    const [answer] = await once(asked, 'response');
    await once(answer.resume(), 'end');
    return answer.statusCode === 429 ? `429, Retry-After ${'retry-after' in answer.headers}` : `${answer.statusCode}`;
  };
  const answers = await during('10,000 requests at once', () => Promise.all(Array.from({ length: 10_000 }, ping)));
  agent.destroy();
  expect([...new Set(answers)].sort()).toEqual(['200', '429, Retry-After true']);
  expect(answers.filter((answer) => answer === '200').length).toBeGreaterThanOrEqual(900);
});

describe('what one principal may have queued', () => {
  it('is limited by number and by bytes, each with the name of its limit, and shown by pool_status', async () => {
    await pause(3_000); // the bucket of the flooding principal fills again
    const call = async (name: string, args: Facts) => {
      const { body } = await post('bob', toolCall(name, args));
      return JSON.parse(/^data: (.*)$/m.exec(body)?.[1] ?? body).result.structuredContent as Facts;
    };
    const big = await call('run_agent', { runner: 'demo', prompt: 'x'.repeat(2_000_001) });
    expect(big).toMatchObject({
      code: 'too_many_queued',
      message: expect.stringContaining('AGENTPOOL_MAX_QUEUED_BYTES'),
    });
    const codes = [];
    for (let at = 0; at < 22; at += 1)
      codes.push((await call('run_agent', { runner: 'demo', prompt: 'x' })).code ?? 'queued');
    expect(codes).toEqual([...Array(20).fill('queued'), 'too_many_queued', 'too_many_queued']);
    const { limits } = (await call('pool_status', {})) as { limits: Facts };
    expect(limits).toMatchObject({ queuedRuns: { used: 20, most: 20 }, queuedBytes: { used: 20, most: 2_000_000 } });
  });

  it('goes to hosts that are or were there, and makes no queue for others', async () => {
    const { body } = await post('bob', toolCall('run_agent', { runner: 'demo', prompt: 'x', host: 'never-was' }));
    expect(body).toContain('unknown_host');
  });
});
