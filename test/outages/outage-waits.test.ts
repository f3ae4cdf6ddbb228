import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, steps } from '../support/pool.js';
import {
  eventually,
  type McpSession,
  openMcp,
  type Started,
  startAgentpool,
  startWorkerProcess,
} from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';

let redis: TestRedis;
let place: Place;
let worker: Started;
let session: McpSession;

beforeAll(async () => {
  redis = await startRedis();
  place = makePlace({ AGENTPOOL_WAIT_CAP_MS: '120000' }, redis.url);
  worker = await startWorkerProcess(place, '--runners', 'scripted');
  session = await openMcp(place);
});
afterAll(async () => {
  await session?.close();
  await worker?.end('SIGKILL');
  await redis?.stop();
  place?.clean();
});

const LINES = 200;
const counted = () => steps({ lines: { count: LINES, bytes: 50, everyMs: 60 } });
const isExact = (text: string) => {
  const numbers = text
    .trim()
    .split('\n')
    .map((line) => Number(/^line (\d+)/.exec(line)?.[1]));
  return numbers.length === LINES && numbers.every((number, at) => number === at + 1);
};

/** Waits for the end of a run; `told` gets what is said meanwhile. */
const waitTold = async (runId: string, told: string[]) => {
  const asked = { name: 'wait_agent', arguments: { runId, timeoutMs: 60_000 } };
  const onprogress = ({ message = '' }) => void told.push(message);
  return (await session.client.callTool(asked, undefined, { timeout: 100_000, onprogress })).structuredContent;
};

/** Redis is back as soon as a wait has told that it is away. */
async function backWhenTold(told: readonly string[]): Promise<void> {
  await eventually(() => told.some((message) => message.includes('the wait goes on')));
  await redis.restart();
}

describe('an outage of Redis that is shorter than the time of whoever waits', () => {
  it('is ridden out by wait_agent, which tells it, and by stream_agent_output, without a lost or doubled byte', async () => {
    const { runId } = await session.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: counted() });
    const told: string[] = [];
    const waiting = waitTold(runId, told);
    const following = (async () => {
      let text = '';
      for (let cursor: string | undefined; ; ) {
        const page = await session.call<{ output: string; nextCursor: string; isComplete: boolean }>(
          'stream_agent_output',
          { runId, waitMs: 30_000, ...(cursor !== undefined && { cursor }) },
        );
        text += page.output;
        if (page.isComplete) return text;
        cursor = page.nextCursor;
      }
    })();
    const logs = await startAgentpool(place, ['logs', '-f', runId]);
    let shown = `${logs.line}\n`;
    logs.child.stdout?.on('data', (bytes) => {
      shown += bytes;
    });
    const ended = once(logs.child, 'close');
    await eventually(async () => Number((await session.call('get_agent_status', { runId })).outputBytes) > 0);
    redis.kill();
    await backWhenTold(told);
    expect(await waiting).toMatchObject({ status: 'done', timedOut: false });
    expect(isExact(await following)).toBe(true);
    expect(await ended).toEqual([0, null]);
    expect(isExact(shown)).toBe(true);
  });

  it('is ridden out by a wait that begins during it, and not beyond its own time', async () => {
    const { runId } = await session.call<{ runId: string }>('run_agent', {
      runner: 'scripted',
      prompt: steps({ print: 'x' }),
    });
    redis.kill();
    const short = await session.call('wait_agent', { runId, timeoutMs: 1_000 }).catch((error: unknown) => error);
    expect(short).toMatchObject({ code: 'redis_unreachable' });
    const told: string[] = [];
    const waiting = waitTold(runId, told);
    await backWhenTold(told);
    expect(await waiting).toMatchObject({ status: 'done' });
  });
});
