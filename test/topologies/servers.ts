import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { eventually } from '../support/processes.js';

/** One real server on loopback. */
export interface Server {
  readonly port: number;
  readonly directory: string;
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  /** A connection of the test's own. */
  client(): Redis;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a server with the lines of its configuration, which may hold passwords and so stand in a file. */
export async function startServer(
  program: string,
  lines: readonly string[],
  client: Pick<RedisOptions, 'username' | 'password' | 'tls'> = {},
  sentinel = false,
): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'ap-topology-'));
  const port = await freePort();
  const file = join(directory, 'server.conf');
  const own = [`${client.tls ? 'port 0\ntls-port' : 'port'} ${port}`, 'bind 127.0.0.1', `dir ${directory}`];
  const data = sentinel ? [] : ['save ""', 'appendonly yes', 'repl-diskless-sync-delay 0'];
  writeFileSync(file, [...own, ...data, `logfile ${join(directory, 'log')}`, ...lines, ''].join('\n'));
  const child: ChildProcess = spawn(program, [file, ...(sentinel ? ['--sentinel'] : [])], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const open = () => {
    const redis = new Redis({
      host: '127.0.0.1',
      port,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
      ...client,
    });
    redis.on('error', () => {}); // until it listens, and when it is killed
    return redis;
  };
  const first = open();
  await Promise.race([
    first.ping(),
    ended.then(() => Promise.reject(new Error(`${program} ended: ${readFileSync(join(directory, 'log'), 'utf8')}`))),
  ]);
  first.disconnect();
  return {
    port,
    directory,
    pid: child.pid ?? 0,
    signal: (name) => void child.kill(name),
    client: open,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Who is the master behind Sentinels, as one of them says. */
export async function masterOf(sentinel: Redis): Promise<number> {
  const [, port] = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[];
  return Number(port);
}

export interface SentinelPool {
  readonly servers: readonly [Server, Server];
  readonly sentinels: readonly Server[];
  /** A connection to one of the Sentinels. */
  readonly ask: Redis;
  stop(): Promise<void>;
}

/** A master with one replica, and three Sentinels with a password, which agree on a failure after a second. */
export async function startSentinels(program: string, password: string, ofSentinels: string): Promise<SentinelPool> {
  const auth = [`requirepass ${password}`, `masterauth ${password}`];
  const master = await startServer(program, auth, { password });
  const replica = await startServer(program, [...auth, `replicaof 127.0.0.1 ${master.port}`], { password });
  const lines = [
    `requirepass ${ofSentinels}`,
    `sentinel sentinel-pass ${ofSentinels}`,
    `sentinel monitor main 127.0.0.1 ${master.port} 2`,
    `sentinel auth-pass main ${password}`,
    'sentinel down-after-milliseconds main 2000',
    'sentinel failover-timeout main 5000',
  ];
  const start = () => startServer(program, lines, { password: ofSentinels }, true);
  const sentinels = await Promise.all([start(), start(), start()]);
  const ask = sentinels[0].client();
  await eventually(
    () => ask.call('SENTINEL', 'MASTER', 'main') as Promise<string[]>,
    (facts) =>
      facts[facts.indexOf('num-slaves') + 1] === '1' && facts[facts.indexOf('num-other-sentinels') + 1] === '2',
  );
  const asMaster = master.client();
  await eventually(
    () => asMaster.info('replication'),
    (info) => info.includes('state=online'),
  );
  asMaster.disconnect();
  return {
    servers: [master, replica],
    sentinels,
    ask,
    async stop() {
      ask.disconnect();
      for (const server of [...sentinels, master, replica]) await server.stop();
    },
  };
}

/** Three masters with a replica each; a master that does not answer for two seconds counts as failed. */
export async function startCluster(program: string, password: string): Promise<readonly Server[]> {
  const start = async () => {
    const own = ['cluster-enabled yes', `cluster-port ${await freePort()}`, 'cluster-node-timeout 2000'];
    return startServer(program, [...own, `requirepass ${password}`, `masterauth ${password}`], { password });
  };
  const servers: Server[] = [];
  for (let number = 0; number < 6; number += 1) servers.push(await start());
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'];
  execFileSync(program.replace('-server', '-cli'), create, {
    env: { ...process.env, REDISCLI_AUTH: password, VALKEYCLI_AUTH: password },
    stdio: 'pipe',
  });
  for (const server of servers) {
    const redis = server.client();
    await eventually(
      async () => `${await redis.call('CLUSTER', 'INFO')}`,
      (info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:6'),
    );
    redis.disconnect();
  }
  return servers;
}
