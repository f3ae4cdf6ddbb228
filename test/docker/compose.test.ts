import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/processes.js';
import { type ComposedPool, openComposedPool } from './composed-pool.js';

interface RunFacts {
  readonly runId: string;
  readonly status: string;
  readonly host: string;
  readonly endedAt?: number;
  readonly failure?: { readonly kind: string };
}

describe.skipIf(inject('withoutCompose') !== '')('The pool of docker-compose.yml with two workers', () => {
  let pool: ComposedPool;
  let mcp: Awaited<ReturnType<ComposedPool['openMcp']>>;

  beforeAll(async () => {
    pool = openComposedPool();
    await pool.build();
    await pool.compose('up', '-d', '--no-build', '--scale', 'worker=2');
    mcp = await pool.openMcp();
    await eventually(livingHosts, (hosts) => hosts.length === 2, 60_000);
  });

  afterAll(async () => {
    await mcp?.close();
    await pool?.down();
  });

  const statusOf = (runId: string) => mcp.call<RunFacts>('get_agent_status', { runId });
  const livingHosts = async () => {
    const { workers } = await mcp.call<{ workers: { host: string; alive: boolean }[] }>('pool_status', {});
    return workers.filter(({ alive }) => alive).map(({ host }) => host);
  };
  const submit = async (prompt: string) =>
    (await mcp.call<{ runId: string }>('run_agent', { runner: 'demo', prompt })).runId;
  /** A run that has printed something, so its program is under way. */
  async function underWay(prompt: string): Promise<RunFacts> {
    const runId = await submit(prompt);
    await mcp.call('stream_agent_output', { runId, waitMs: 30_000 });
    return statusOf(runId);
  }
  const startedAt = async (container: string) =>
    Date.parse(await pool.docker('inspect', '--format', '{{.State.StartedAt}}', container));

  test('each worker is a host of its own, named by its container', async () => {
    const containers = (await pool.compose('ps', '-q', 'worker')).split('\n').map((id) => id.slice(0, 12));
    expect((await livingHosts()).sort()).toEqual(containers.sort());
  });

  test('the demo runs: two runs are done and one is killed', async () => {
    const runs = JSON.parse(await pool.agentpool('demo', '--json')) as RunFacts[];
    expect(runs.map(({ status }) => status)).toEqual(['done', 'done', 'killed']);
  });

  test('the board is published to this machine alone, and wants its token', async () => {
    const address = await pool.compose('port', 'server', '7333');
    const ask = async (headers = {}) => (await fetch(`http://${address}/`, { headers })).status;
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await ask()).toBe(401);
    expect(await ask({ authorization: `Bearer ${pool.token}` })).toBe(200);
  });

  test('the server becomes healthy by its own check', async () => {
    const container = await pool.compose('ps', '-q', 'server');
    const health = () => pool.docker('inspect', '--format', '{{.State.Health.Status}}', container);
    await eventually(health, (status) => status === 'healthy', 60_000);
  });

  test('nothing in the containers of agentpool runs as root', async () => {
    for (const service of ['server', 'worker'])
      expect(await pool.compose('exec', '-T', service, 'node', '-p', 'process.getuid()')).toBe('1000');
  });

  test('the image adds little to its base', async () => {
    const mib = (await pool.addedToBase()) / 1024 / 1024;
    console.log(`docker tests: the image adds ${mib.toFixed(1)} MiB to its base`);
    expect(mib).toBeGreaterThan(1);
    expect(mib).toBeLessThan(MOST_MIB);
  });

  test('a worker runs with a root file system that nobody can write to, and without rights', async () => {
    const container = await pool.readOnly('worker', '--drain');
    const host = container.slice(0, 12);
    await eventually(livingHosts, (hosts) => hosts.includes(host), 60_000);
    const refused = pool.docker('exec', container, 'sh', '-c', 'echo x >/app/x');
    await expect(refused).rejects.toThrow(/Read-only file system/);
    const { runId } = await mcp.call<{ runId: string }>('run_agent', {
      runner: 'demo',
      mode: 'quick',
      prompt: 'x',
      host,
    });
    await mcp.call('wait_agent', { runId });
    expect(await statusOf(runId)).toMatchObject({ status: 'done', host });
    await pool.docker('rm', '--force', '--volumes', container);
    await eventually(livingHosts, (hosts) => !hosts.includes(host), 60_000); // the other tests ask for those that live
  });

  test('a killed run leaves no process in its container', async () => {
    const { runId, host } = await underWay('never stop; lines 10000 every 100');
    expect(await pool.processesIn(host, runId)).toBeGreaterThan(0);
    expect(await mcp.call('kill_agent', { runId })).toMatchObject({ killed: true, status: 'killed' });
    expect(await pool.processesIn(host, runId)).toBe(0);
  });

  test('whoever is left behind in a worker container does not stay as a zombie', async () => {
    const host = (await livingHosts())[0] ?? '';
    // Its parent is gone before it ends, as that of a tool which an agent program has started and left: process 1 has it then.
    await pool.docker('exec', host, 'sh', '-c', 'sleep 0.3 & sleep 0.3 & exit 0');
    const left = async () => [await pool.namedIn(host, 'sleep'), await pool.zombiesIn(host)];
    await eventually(left, ([sleeping, zombies]) => sleeping === 0 && zombies === 0, 10_000);
  });

  test('a worker container that breaks off loses its run, which is told as soon as the container is back', async () => {
    const { runId, host } = await underWay('long; lines 10000 every 100');
    await pool.docker('restart', '--time', '1', host);
    const { status, failure, endedAt } = await eventually(() => statusOf(runId), isOver, 60_000);
    expect({ status, kind: failure?.kind }).toEqual({ status: 'failed', kind: 'lost' });
    const afterStart = Number(endedAt) - (await startedAt(host));
    console.log(`docker tests: the lost run was failed ${afterStart} ms after the start of its container`);
    await eventually(livingHosts, (hosts) => hosts.includes(host), 30_000);
  });

  test('a worker container that is stopped waits for the end of its run', async () => {
    const { runId, host } = await underWay('short; lines 20 every 200');
    await pool.docker('stop', '--time', '60', host);
    expect((await statusOf(runId)).status).toBe('done');
    await pool.docker('start', host);
    await eventually(livingHosts, (hosts) => hosts.includes(host), 30_000);
  });

  test('a Redis container that is made anew forgets nothing, and runs go on', async () => {
    const ended = await submit('before; lines 1 every 1');
    await mcp.call('wait_agent', { runId: ended });
    const { runId } = await underWay('on; lines 40 every 100');
    await pool.compose('up', '-d', '--no-build', '--no-deps', '--force-recreate', 'redis');
    // While the address of Redis leads nowhere, a question is answered with an error that says so.
    const told = () =>
      statusOf(runId).catch((error: { code?: string }) => {
        if (error.code !== 'redis_unreachable') throw error;
      });
    await eventually(told, (run) => run !== undefined && isOver(run), 60_000);
    const { output } = await mcp.call<{ output: string }>('stream_agent_output', { runId });
    expect((await statusOf(ended)).status).toBe('done');
    expect((await statusOf(runId)).status).toBe('done');
    expect(output.match(/^step \d+ of 40/gm)).toHaveLength(40);
  });
});

/** What our own layers may have (MiB): the packages of production, and what is built. */
const MOST_MIB = 100;

const isOver = ({ status }: RunFacts) => !['queued', 'running', 'orphaned'].includes(status);
