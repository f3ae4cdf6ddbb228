import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { oneMcp, onePlace, onePoolOnItsOwnRedis, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { eventually, type Facts, openMcp } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_CONCURRENCY: '4' });
oneWorker(place);
const mcp = oneMcp(place);

/** A step that waits for a gate of this name, and what opens it. */
const until = (gate: string) => ({ until: join(place.work, gate) });
const open = (gate: string) => writeFileSync(join(place.work, gate), '');
const reached = (runId: string, wanted: string) =>
  eventually(
    () => mcp.call<Facts>('get_agent_status', { runId }),
    ({ status }) => status === wanted,
  );
const submit = async (list: Facts[], extra: Facts = {}) =>
  (await mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(...list), ...extra })).runId;

describe('wait_agent', () => {
  it('answers with the result, and tells what goes on before', async () => {
    const runId = await submit([{ print: 'working\n' }, until('told'), { print: '{"result":"42"}\n' }]);
    const told: string[] = [];
    await eventually(
      () => mcp.call<Facts>('get_agent_status', { runId }),
      ({ outputBytes }) => outputBytes === 8,
    );
    const answer = await mcp.client.callTool({ name: 'wait_agent', arguments: { runId } }, undefined, {
      onprogress: ({ message }) => {
        told.push(message ?? '');
        open('told');
      },
    });
    expect(answer.structuredContent).toMatchObject({ status: 'done', result: '42', exitCode: 0, timedOut: false });
    expect(told[0]).toBe('scripted: running, 1 line, working');
  });

  it('at its deadline is a success that says how to go on, and leaves the run alone', async () => {
    const runId = await submit([until('early')]);
    await reached(runId, 'running');
    const early = await mcp.call<Facts>('wait_agent', { runId, timeoutMs: 0 });
    expect(early).toMatchObject({ status: 'running', timedOut: true, hint: expect.stringContaining('wait_agent') });
    open('early');
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done', timedOut: false });
  });

  it('given up by its client never ends the run', async () => {
    const runId = await submit([until('given up'), { print: 'alive\n' }]);
    const given = new AbortController();
    const waiting = mcp.client.callTool({ name: 'wait_agent', arguments: { runId } }, undefined, {
      signal: given.signal,
    });
    await reached(runId, 'running');
    given.abort();
    await expect(waiting).rejects.toThrow();
    open('given up');
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done', output: 'alive\n' });
  });

  it('for several runs waits for all of them, or for the first', async () => {
    const slow = await submit([until('slow')]);
    const fast = await submit([{ exit: 3 }]);
    const any = await mcp.call<Facts>('wait_agent', { runIds: [slow, fast], mode: 'any' });
    expect(any).toMatchObject({ runId: fast, status: 'failed', exitCode: 3, timedOut: false });
    open('slow');
    const all = await mcp.call<{ runs: Facts[] }>('wait_agent', { runIds: [slow, fast] });
    expect(all.runs.map(({ status }) => status)).toEqual(['done', 'failed']);
  });
});

describe('wait_agent, on a Redis of its own', () => {
  const own = onePoolOnItsOwnRedis();

  it('200 times at once needs no more than a handful of connections to Redis', async () => {
    const { redis: server, session } = own;
    const { runId } = await session.call<{ runId: string }>('run_agent', {
      runner: 'scripted',
      prompt: steps({ pause: 2_000 }),
    });
    const redis = new Redis({ path: server.url.slice('unix://'.length) });
    const connections = async () => Number(/connected_clients:(\d+)/.exec(await redis.info('clients'))?.[1]);
    const before = await connections();
    const waits = Promise.all(Array.from({ length: 200 }, () => session.call<Facts>('wait_agent', { runId })));
    let most = 0;
    let isOver = false;
    const answered = waits.finally(() => {
      isOver = true;
    });
    while (!isOver) most = Math.max(most, await connections());
    expect(most).toBeLessThanOrEqual(before + 2);
    for (const answer of await answered) expect(answer.status).toBe('done');
    redis.disconnect();
  });
});

describe('a run', () => {
  it('outlives its client and a killed MCP server; a new server answers for it', async () => {
    const first = await openMcp(place);
    const { runId, pid } = await first.call<{ runId: string; pid: number }>('run_agent', {
      runner: 'scripted',
      prompt: steps({ print: 'one\n' }, { until: join(place.work, 'go on') }, { print: 'two\n' }),
      agentName: 'survivor',
    });
    process.kill(first.pid, 'SIGKILL');
    await first.close();
    const second = await openMcp(place);
    expect(await second.call<Facts>('get_agent_status', { agentName: 'survivor' })).toMatchObject({
      runId,
      pid,
      status: 'running',
    });
    await second.close();
    writeFileSync(join(place.work, 'go on'), '');
    const third = await openMcp(place);
    expect(await third.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done', output: 'one\ntwo\n' });
    await third.close();
  });

  it('is submitted once for one client token, and the second call gets the first run', async () => {
    const clientToken = 'the-same';
    const answers = await Promise.all([1, 2, 3].map(() => submit([{ print: 'once' }], { clientToken })));
    expect(new Set(answers).size).toBe(1);
  });

  it('can be delayed, and goes by priority', async () => {
    const rooms = ['room-1', 'room-2', 'room-3', 'room-4'].map((name) => join(place.work, name));
    const busy = await Promise.all(rooms.map((room) => submit([{ until: room }])));
    for (const runId of busy) await reached(runId, 'running');
    const late = await submit([{ print: 'late' }], { priority: 10 });
    const soon = await submit([{ print: 'soon' }], { priority: 1 });
    const delayed = await submit([{ print: 'delayed' }], { delayMs: 3_000 });
    const queued = await mcp.call<Facts>('get_agent_status', { runId: late });
    expect(queued).toMatchObject({ status: 'queued', queuePosition: 2 });
    writeFileSync(rooms[0] ?? '', ''); // one slot: what is taken together starts together
    await mcp.call('wait_agent', { runIds: [late, soon, delayed] });
    for (const room of rooms) writeFileSync(room, '');
    await mcp.call('wait_agent', { runIds: busy });
    const facts = await Promise.all(
      [soon, late, delayed].map((runId) =>
        mcp.call<{ startedAt: number; queuedAt: number }>('get_agent_status', { runId }),
      ),
    );
    expect(facts[0]?.startedAt).toBeLessThanOrEqual(facts[1]?.startedAt ?? 0);
    expect((facts[2]?.startedAt ?? 0) - (facts[2]?.queuedAt ?? 0)).toBeGreaterThanOrEqual(3_000);
  });
});
