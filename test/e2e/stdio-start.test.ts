import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { TOOLS } from '../../src/mcp/tools/list.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, MAIN, type Started, startWorkerProcess } from '../support/processes.js';

let place: Place = makePlace();
let worker: Started | undefined;
const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0)) await end();
  await worker?.end();
  worker = undefined;
  place.clean();
  place = makePlace();
});

type Message = { id?: unknown; method?: string; result?: Facts; error?: Facts; params?: Facts };

/** A client that writes lines; nothing of an SDK is in it. */
function startRaw() {
  const child = spawn(process.execPath, [MAIN, 'mcp'], {
    cwd: place.work,
    env: place.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>; // with all that it has printed
  cleanUp.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let text = '';
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  child.stderr.on('data', (bytes) => {
    log += bytes;
  });
  const messages = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Message);
  return {
    messages,
    log: () => log,
    write: (line: string) => child.stdin.write(line),
    send: (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    end: () => child.stdin.end(),
    exitCode: async () => (await ended)[0],
    answer: (id: unknown) => eventually(() => messages().find((one) => one.id === id && !one.method), Boolean, 60_000),
  };
}
type Raw = ReturnType<typeof startRaw>;

const initialize = (id: unknown, protocolVersion = '2025-11-25') => ({
  id,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
});
const INITIALIZED = { method: 'notifications/initialized' };
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const since2026 = (id: unknown, method: string, params: object = {}) => ({
  id,
  method,
  params: { ...params, _meta: META },
});
const call = (id: unknown, name: string, args: object, _meta?: object) => ({
  id,
  method: 'tools/call',
  params: { name, arguments: args, ...(_meta && { _meta }) },
});
const toolNames = (answer: Message | undefined) =>
  ((answer?.result?.tools ?? []) as { name: string }[]).map(({ name }) => name);
const contentOf = (answer: Message | undefined) => answer?.result?.structuredContent ?? {};
const ALL = TOOLS.map(({ name }) => name);

/** A place without REDIS_URL, whose pool is brought up by whoever needs it. */
function makeCold(): void {
  place.clean();
  place = makePlace();
  delete place.env.REDIS_URL;
  place.env.AGENTPOOL_PORT = '0';
  cleanUp.push(() => agentpool(place, ['down']));
}

describe('agentpool mcp without a pool', () => {
  test('says what it is and what tools it has before the pool is up; calls wait for that and tell of it', async () => {
    makeCold();
    const raw = startRaw();
    raw.send(initialize(1));
    raw.send(INITIALIZED);
    raw.send({ id: 2, method: 'tools/list' });
    raw.send(call(3, 'run_agent', { runner: 'demo', mode: 'quick', prompt: 'hi' }, { progressToken: 'p' }));
    expect(toolNames(await raw.answer(2))).toEqual(ALL);
    expect((await raw.answer(3))?.result?.structuredContent).toMatchObject({ runner: 'demo' });
    const order = raw.messages().map(({ id, method }) => method ?? id);
    expect(order.slice(0, 3)).toEqual([1, 2, 'notifications/progress']);
    const { message } = (raw.messages()[2]?.params ?? {}) as { message?: string };
    expect(message).toContain('the pool is coming up');
  });

  test('answers discovery of the newest protocol before the pool is up', async () => {
    makeCold();
    const raw = startRaw();
    raw.send(since2026(1, 'server/discover'));
    raw.send(since2026(2, 'tools/list'));
    raw.send(since2026(3, 'tools/call', { name: 'list_runs', arguments: {} }));
    expect(toolNames(await raw.answer(2))).toEqual(ALL);
    expect((await raw.answer(3))?.result?.structuredContent).toMatchObject({ runs: [] });
    expect(raw.messages().map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test('answers each call with the reason where no pool can come up, and stays', async () => {
    place.env.REDIS_URL = `unix://${join(place.home, 'nobody-there.sock')}`;
    const raw = startRaw();
    raw.send(initialize(1));
    raw.send(INITIALIZED);
    for (const id of [2, 3]) {
      raw.send(call(id, 'list_runs', {}));
      const answer = (await raw.answer(id))?.result;
      expect(answer).toMatchObject({ isError: true, structuredContent: { code: 'redis_unreachable' } });
    }
    raw.send({ id: 4, method: 'tools/list' });
    expect(toolNames(await raw.answer(4))).toEqual(ALL);
    raw.end();
    expect(await raw.exitCode()).toBe(0);
  });
});

describe('agentpool mcp', () => {
  const talk: Record<string, (raw: Raw) => void> = {
    'of 2025-11-25': (raw) => raw.send(initialize(1)),
    'of 2024-11-05': (raw) => raw.send(initialize(1, '2024-11-05')),
    'that is a batch': (raw) => raw.write(`${JSON.stringify([{ jsonrpc: '2.0', ...initialize(1, '2025-03-26') }])}\n`),
    'behind a byte order mark': (raw) => raw.write(`\uFEFF${JSON.stringify({ jsonrpc: '2.0', ...initialize(1) })}\r\n`),
  };

  test.each(Object.keys(talk))('answers requests %s that are followed at once by the end of input', async (which) => {
    const raw = startRaw();
    talk[which]?.(raw);
    raw.send(INITIALIZED);
    raw.send({ id: 2, method: 'tools/list' });
    raw.send(call(3, 'list_runs', {}));
    raw.end();
    expect(await raw.exitCode()).toBe(0);
    expect(raw.messages().map(({ id, error }) => [id, error])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
    ]);
    expect(raw.messages()[2]?.result?.structuredContent).toMatchObject({ runs: [] });
  });

  test('answers the last request although its line has no end, and one that waits for a run with what there is', async () => {
    worker = await startWorkerProcess(place);
    const raw = startRaw();
    raw.send(initialize(1));
    raw.send(call(2, 'run_agent', { runner: 'scripted', prompt: steps({ pause: 600_000 }) }));
    const { runId } = contentOf(await raw.answer(2)) as { runId: string };
    raw.write(JSON.stringify({ jsonrpc: '2.0', ...call(3, 'wait_agent', { runId }) }));
    raw.end();
    expect(await raw.exitCode()).toBe(0);
    expect((await raw.answer(3))?.result?.structuredContent).toMatchObject({ status: 'running', timedOut: true });
    await agentpool(place, ['kill', runId]);
  });

  test('says what is wrong with a line that is not a message, and goes on', async () => {
    const raw = startRaw();
    raw.write('this is not JSON\n\n');
    raw.write('{"id":7,"method":"ping"}\n');
    raw.send(initialize(1));
    await raw.answer(1);
    expect(raw.messages().map(({ id, error }) => [id, error?.code])).toEqual([
      [null, -32_700],
      [7, -32_600],
      [1, undefined],
    ]);
  });

  test('follows the latest handshake: a client may try one protocol and go on with the other, and back', async () => {
    const raw = startRaw();
    raw.send(since2026(1, 'server/discover'));
    await raw.answer(1);
    raw.send(initialize(2));
    raw.send(INITIALIZED);
    raw.send({ id: 3, method: 'tools/list' });
    raw.send(call(4, 'list_runs', {}));
    expect(toolNames(await raw.answer(3))).toEqual(ALL);
    expect((await raw.answer(2))?.result).toMatchObject({ protocolVersion: '2025-11-25' });
    expect((await raw.answer(4))?.result?.structuredContent).toMatchObject({ runs: [] });
    raw.send(since2026(5, 'tools/list'));
    expect(toolNames(await raw.answer(5))).toEqual(ALL);
    raw.send(initialize(6, '2025-06-18'));
    raw.send(INITIALIZED);
    raw.send({ id: 7, method: 'tools/list' });
    expect((await raw.answer(6))?.result).toMatchObject({ protocolVersion: '2025-06-18' });
    expect(toolNames(await raw.answer(7))).toEqual(ALL);
  });

  test('ends at once with a client that is gone', async () => {
    const raw = startRaw();
    raw.send(initialize(1));
    await raw.answer(1);
    raw.end();
    expect(await raw.exitCode()).toBe(0);
  });
});
