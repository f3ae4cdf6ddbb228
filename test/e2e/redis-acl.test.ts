import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePlace, type Place } from '../support/pool.js';
import {
  agentpool,
  eventually,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';

/** The rules that the documentation gives to an operator, word by word. */
const page = readFileSync(new URL('../../docs/many-hosts.md', import.meta.url), 'utf8');
const rules = /^user agentpool (.+)$/m.exec(page)?.[1]?.split(' ') ?? [];

let redis: TestRedis;
let admin: Redis;
let place: Place;
let worker: Started;
let mcp: McpSession;

beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis({ path: redis.url.slice('unix://'.length) });
  await admin.call('ACL', 'SETUSER', 'agentpool', ...rules);
  place = makePlace({ AGENTPOOL_PREFIX: 'agentpool' }, redis.url.replace('unix://', 'unix://agentpool:PASSWORD@'));
  worker = await startWorkerProcess(place);
  mcp = await openMcp(place);
});

afterAll(async () => {
  await mcp?.close();
  await worker?.end();
  place?.clean();
  admin?.disconnect();
  await redis?.stop();
});

test('a Redis user with the rules of the documentation can do all of a run, a kill and a status, and is refused nothing', async () => {
  const call = (tool: string, args: Record<string, unknown>) => mcp.call<{ runId: string }>(tool, args);
  const { runId } = await call('run_agent', {
    runner: 'demo',
    prompt: 'say it; lines 3 every 20',
    clientToken: 'once',
  });
  expect(await call('wait_agent', { runId })).toMatchObject({ status: 'done' });
  const endless = await call('run_agent', {
    runner: 'demo',
    prompt: 'never stop; lines 10000 every 50',
    agentName: 'a',
  });
  await eventually(
    () => call('stream_agent_output', { runId: endless.runId, waitMs: 5_000 }),
    (page) => String((page as { output?: string }).output) !== '',
  );
  expect(await call('kill_agent', { runId: endless.runId })).toMatchObject({ status: 'killed' });
  expect(await call('pool_status', {})).toMatchObject({ workers: [{ alive: true }] });
  expect(await call('list_runs', { agentName: 'a' })).toMatchObject({ runs: [{ runId: endless.runId }] });
  expect((await agentpool(place, ['runs'])).code).toBe(0);
  expect(await admin.call('ACL', 'LOG')).toEqual([]);
});

test('a Redis user with the rules of the documentation can neither read other keys nor empty or change the server', async () => {
  const user = new Redis({
    path: redis.url.slice('unix://'.length),
    username: 'agentpool',
    password: 'PASSWORD',
    retryStrategy: () => null,
  });
  const refused = async (command: string) => {
    const [name = '', ...args] = command.split(' ');
    await expect(user.call(name, ...args), command).rejects.toThrow('NOPERM');
  };
  await refused('GET other:key');
  await refused('SUBSCRIBE other');
  await refused('FLUSHALL');
  await refused('CONFIG GET dir');
  await refused('KEYS *');
  await refused('ACL LIST');
  user.disconnect();
});
