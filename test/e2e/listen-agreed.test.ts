import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it } from 'vitest';
import { onePoolOnItsOwnRedis } from '../support/beginnings.js';
import { bearerOf } from '../support/http-token.js';
import { steps } from '../support/pool.js';
import { eventually, type Facts, MAIN } from '../support/processes.js';

const own = onePoolOnItsOwnRedis();
const VERSION = '2026-07-28';

const TRANSPORTS = {
  'on stdio': () =>
    new StdioClientTransport({
      command: process.execPath,
      args: [MAIN, 'mcp'],
      cwd: own.place.work,
      env: own.place.env,
    }),
  'over HTTP': () =>
    new StreamableHTTPClientTransport(new URL('/mcp', own.serve.url), {
      requestInit: { headers: bearerOf(own.place) },
    }),
};

describe.each(['on stdio', 'over HTTP'] as const)('a client that asks to listen %s', (where) => {
  it('is agreed with when it is told of what changes from then on, and not before', async () => {
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: { pin: VERSION } } });
    await client.connect(TRANSPORTS[where]());
    const told: string[] = [];
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri));
    const { runId } = await own.session.call<{ runId: string }>('run_agent', {
      runner: 'scripted',
      prompt: steps({ pause: 60_000 }),
    });
    await eventually(
      () => own.session.call<Facts>('get_agent_status', { runId }),
      ({ pid }) => pid !== undefined,
    );
    await client.readResource({ uri: `agent://runs/${runId}` }); // its server has all that it needs
    let isAgreed = false;
    process.kill(own.redis.pid, 'SIGSTOP');
    const listening = client.listen({ resourceSubscriptions: [`agent://runs/${runId}`] }).finally(() => {
      isAgreed = true;
    });
    await client.listTools(); // asked later, and wants no Redis
    expect(isAgreed).toBe(false);
    process.kill(own.redis.pid, 'SIGCONT');
    const subscription = await listening;
    await own.session.call('kill_agent', { runId, graceMs: 100 });
    await eventually(() => told.includes(`agent://runs/${runId}`));
    await subscription.close();
    await client.close();
  });

  it('is refused where nothing can be watched for it', async () => {
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: { pin: VERSION } } });
    await client.connect(TRANSPORTS[where]());
    own.redis.kill();
    await expect(client.listen({ resourceSubscriptions: ['agent://runs/rxxxxxxxxxxxxxxxxxxx'] })).rejects.toMatchObject(
      {
        data: { code: 'redis_unreachable' },
      },
    );
    await own.redis.restart();
    await client.close();
  });
});
