import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pool } from '../../src/shared/pool.js';
import type { Run } from '../../src/shared/run.js';
import { type Failover, startFailover } from '../support/failover.js';
import { connect, makePlace, type Place, steps } from '../support/pool.js';
import {
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';

/** In a failover the old master goes on confirming, for a moment, what the new one never gets. */
let failover: Failover;
let place: Place;
let mcp: McpSession;
let worker: Started;

beforeEach(async () => {
  failover = await startFailover();
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here' }, failover.url);
  mcp = await openMcp(place);
  worker = await startWorkerProcess(place);
});
afterEach(async () => {
  await mcp.close();
  await worker.end('SIGKILL');
  await failover.stop();
  place.clean();
});

const file = (name: string) => join(place.work, name);
const open = (gate: string) => writeFileSync(file(gate), '');
const submit = async (more: Facts, ...list: Facts[]) =>
  (await mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(...list), ...more })).runId;
const output = async (runId: string) => (await mcp.call<{ output: string }>('stream_agent_output', { runId })).output;
const printed = (runId: string, text: string) =>
  eventually(
    () => output(runId).catch(() => ''),
    (all) => all === text,
    30_000,
  );
/** What a pool sees that asks what is behind the address now. */
async function asked<Answer>(ask: (pool: Pool) => Promise<Answer>): Promise<Answer> {
  const pool = await connect(place);
  try {
    return await ask(pool);
  } finally {
    await pool.stop();
  }
}
const endOf = (runId: string) =>
  eventually(
    () => asked((pool) => pool.runs.get(runId)).catch(() => undefined),
    (run) => run?.endedAt !== undefined,
    30_000,
  ) as Promise<Run>;

describe('a failover that has forgotten', () => {
  it('the session of a run that ended while Redis was away: it is told with the end', async () => {
    const session = 's-1';
    const print = (text: string) => ({ print: `${text}\n` });
    const said = JSON.stringify({ session_id: session });
    const runId = await submit(
      {},
      print('a'),
      { until: file('go') },
      print(said),
      { until: file('end') },
      { mark: file('ended') },
    );
    await printed(runId, 'a\n');
    await failover.part();
    open('go');
    const key = `${place.env.AGENTPOOL_PREFIX}:run:{${runId}}`;
    await eventually(
      () => failover.first.hget(key, 'sessionId'),
      (known) => known === session,
    );
    failover.proxy.silenceHost();
    open('end');
    await eventually(() => existsSync(file('ended')));
    failover.arrive();
    expect(await endOf(runId)).toMatchObject({ state: 'done', sessionId: session });
    expect(await asked((pool) => pool.runs.sessions.find('scripted', session))).toMatchObject({ host: 'here', runId });
    const resumed = await submit({ sessionId: session }, { echoArguments: true });
    await printed(resumed, `["--resume","${session}"]\n`);
  });

  it('where the session of a run lives, and that it is used, as a shard of a cluster may: both are told again', async () => {
    const session = 's-2';
    const runId = await submit({}, { print: `${JSON.stringify({ session_id: session })}\n` }, { until: file('end') });
    const names = ['session', 'session-line', 'latest-session:local:scripted'];
    const prefix = place.env.AGENTPOOL_PREFIX;
    const keys = names.map((name) => `${prefix}:${name}:scripted${name.startsWith('latest') ? '' : `:${session}`}`);
    const onSecond = (count: number) =>
      eventually(
        () => failover.second.exists(...keys),
        (there) => there === count,
        30_000,
      );
    await onSecond(keys.length);
    await failover.part();
    await failover.second.del(...keys);
    await onSecond(0);
    failover.arrive();
    await onSecond(keys.length);
    open('end');
    expect(await endOf(runId)).toMatchObject({ state: 'done', sessionId: session });
  });
});

describe('a worker that is led to an old master for a while', () => {
  it('goes on with a run that only the right one knows, whose program has lived on', async () => {
    const runId = await submit({}, { print: 'a\n' }, { until: file('go') }, { print: 'b\n' });
    await printed(runId, 'a\n');
    await failover.part();
    const prefix = place.env.AGENTPOOL_PREFIX;
    const { second } = failover;
    await second.del(`${prefix}:run:{${runId}}`, `${prefix}:run:{${runId}}:events`);
    failover.arrive();
    await heartbeats(second, 6);
    failover.goBack();
    await heartbeats(failover.first, 2);
    open('go');
    expect(await endOf(runId)).toMatchObject({ state: 'done', outBytes: 4, droppedBytes: 0 });
    await printed(runId, 'a\nb\n');
  });
});

/** Waits until a server has heard so many heartbeats of the worker from now on. */
async function heartbeats(server: Redis, count: number): Promise<void> {
  const key = `{${place.env.AGENTPOOL_PREFIX}:workers}:beats`;
  for (let heard = 0; heard < count; heard += 1) {
    const before = String(await server.zrange(key, 0, '-1', 'WITHSCORES'));
    await eventually(
      () => server.zrange(key, 0, '-1', 'WITHSCORES'),
      (beats) => beats.length > 0 && String(beats) !== before,
    );
  }
}
