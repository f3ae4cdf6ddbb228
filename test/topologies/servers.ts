import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { eventually } from '../support/processes.js';
import { removeDirectory } from '../support/remove-directory.js';
import { type SilentProxy, startSilentProxy } from '../support/silent-proxy.mjs';

/** One real server on loopback. */
export interface Server {
  readonly port: number;
  readonly directory: string;
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  /** A connection of the test's own. */
  client(): Redis;
  /** Ends it with SIGKILL and waits for its end. */
  kill(): Promise<void>;
  /** Starts it again on the same files, as its service manager would. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Who a test is to a server; `tls` makes the server speak nothing else. */
type Who = Pick<RedisOptions, 'username' | 'password' | 'tls'>;

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
  who: Who = {},
  { sentinel = false, port: chosen }: { readonly sentinel?: boolean; readonly port?: number } = {},
): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'ap-topology-'));
  const port = chosen ?? (await freePort());
  const file = join(directory, 'server.conf');
  const log = join(directory, 'log');
  const own = [`${who.tls ? 'port 0\ntls-port' : 'port'} ${port}`, 'bind 127.0.0.1', `dir ${directory}`];
  const data = sentinel ? [] : ['save ""', 'appendonly yes', 'repl-diskless-sync-delay 0'];
  writeFileSync(file, [...own, ...data, `logfile ${log}`, ...lines, ''].join('\n'));
  const client = () => {
    const redis = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null, retryStrategy: () => 50, ...who });
    redis.on('error', () => {}); // until it listens, and when it is killed
    return redis;
  };
  let child: ChildProcess;
  let ended: Promise<unknown>;
  const start = async () => {
    child = spawn(program, [file, ...(sentinel ? ['--sentinel'] : [])], { stdio: 'ignore' });
    ended = once(child, 'exit');
    const first = client();
    await Promise.race([
      first.ping(),
      ended.then(() => Promise.reject(new Error(`${program} ended: ${readFileSync(log, 'utf8')}`))),
    ]);
    first.disconnect();
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    port,
    directory,
    get pid() {
      return child.pid ?? 0;
    },
    signal: (name) => void child.kill(name),
    client,
    kill,
    restart: start,
    async stop() {
      await kill();
      removeDirectory(directory);
    },
  };
}

/** The port of the master behind Sentinels, as one of them says. */
async function masterOf(sentinel: Redis): Promise<number> {
  const [, port] = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[];
  return Number(port);
}

/** A server that is known to everybody by the port of our own proxy, which can fall silent. */
export interface Member {
  readonly server: Server;
  readonly proxy: SilentProxy;
}

export interface SentinelPool {
  readonly members: readonly [Member, Member];
  readonly sentinels: readonly Server[];
  /** A connection to one of the Sentinels. */
  readonly ask: Redis;
  /** The member that is the master now, and the other one. */
  roles(): Promise<{ readonly master: Member; readonly replica: Member }>;
  /** Resolves when the other one is the master. */
  switchedFrom(master: Member): Promise<void>;
  /** Has the Sentinels make the replica the master. They give up what takes them over 5 s, as on a busy machine: then anew. */
  failOver(): Promise<void>;
  /** Resolves when the master has its replica again, and the Sentinels know it. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

/** Who the test is to the servers and to the Sentinels, and how they speak. */
export interface SentinelSecrets {
  readonly password: string;
  readonly ofSentinels: string;
  readonly tls?: TlsOfServers;
}

/** What servers need to speak TLS with everybody, and the test with them. */
export interface TlsOfServers {
  readonly lines: readonly string[];
  /** For `redis-cli`. */
  readonly cli: readonly string[];
  readonly client: NonNullable<RedisOptions['tls']>;
}

/** A master with one replica, and three Sentinels with a password, which agree on a failure after two seconds. */
export async function startSentinels(program: string, secrets: SentinelSecrets): Promise<SentinelPool> {
  const { password, ofSentinels, tls } = secrets;
  const speaking = tls ? [...tls.lines, 'tls-replication yes'] : [];
  const by = tls ? { tls: tls.client } : {};
  const auth = [...speaking, `requirepass ${password}`, `masterauth ${password}`];
  const member = async (...lines: string[]): Promise<Member> => {
    const port = await freePort();
    const proxy = await startSilentProxy({ host: '127.0.0.1', port });
    const known = ['replica-announce-ip 127.0.0.1', `replica-announce-port ${proxy.port}`];
    return { proxy, server: await startServer(program, [...auth, ...known, ...lines], { ...by, password }, { port }) };
  };
  const first = await member();
  const members = [first, await member(`replicaof 127.0.0.1 ${first.proxy.port}`)] as const;
  const lines = [
    ...speaking,
    `requirepass ${ofSentinels}`,
    `sentinel sentinel-pass ${ofSentinels}`,
    `sentinel monitor main 127.0.0.1 ${first.proxy.port} 2`,
    `sentinel auth-pass main ${password}`,
    'sentinel down-after-milliseconds main 2000',
    'sentinel failover-timeout main 5000',
  ];
  const start = () => startServer(program, lines, { ...by, password: ofSentinels }, { sentinel: true });
  const sentinels = await Promise.all([start(), start(), start()]);
  const ask = sentinels[0].client();
  const roles = async () => {
    const port = await masterOf(ask);
    const [one, other] = members;
    return one.proxy.port === port ? { master: one, replica: other } : { master: other, replica: one };
  };
  const pool: SentinelPool = {
    members,
    sentinels,
    ask,
    roles,
    async switchedFrom({ proxy }) {
      await eventually(
        () => masterOf(ask),
        (port) => port !== proxy.port,
        60_000,
      );
    },
    async failOver() {
      const before = await masterOf(ask);
      await eventually(
        async () => {
          const isUnderWay = (await factsOf(ask, 'MASTER')).flags?.includes('failover_in_progress') ?? false;
          if (!isUnderWay && (await masterOf(ask)) === before)
            await ask.call('SENTINEL', 'FAILOVER', 'main').catch(() => {}); // the replica is not good enough at the moment
          return masterOf(ask);
        },
        (port) => port !== before,
        60_000,
      );
    },
    async whole() {
      const { master } = await roles();
      const asMaster = master.server.client();
      await eventually(
        () => asMaster.info('replication'),
        (info) => info.includes('role:master') && info.includes('state=online'),
        60_000,
      );
      asMaster.disconnect();
      await eventually(
        async () => [await factsOf(ask, 'MASTER'), await factsOf(ask, 'REPLICAS')],
        ([ofMaster, ofReplica]) =>
          ofMaster?.flags === 'master' &&
          ofMaster['num-other-sentinels'] === '2' &&
          ofReplica?.flags === 'slave' &&
          ofReplica['master-link-status'] === 'ok',
        60_000,
      );
    },
    async stop() {
      ask.disconnect();
      for (const server of sentinels) await server.stop();
      for (const { server, proxy } of members) {
        await server.stop();
        await proxy.stop();
      }
    },
  };
  await pool.whole();
  return pool;
}

/** What a Sentinel says of the master, or of its first replica. */
async function factsOf(sentinel: Redis, of: 'MASTER' | 'REPLICAS'): Promise<Record<string, string>> {
  const answer = (await sentinel.call('SENTINEL', of, 'main')) as string[] | string[][];
  const flat = (of === 'MASTER' ? answer : (answer[0] ?? [])) as string[];
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));
}

/** Three masters with a replica each; a master that does not answer for two seconds counts as failed. */
export async function startCluster(program: string, password: string, tls?: TlsOfServers): Promise<readonly Server[]> {
  const speaking = tls ? [...tls.lines, 'tls-cluster yes', 'tls-replication yes'] : [];
  const auth = [...speaking, `requirepass ${password}`, `masterauth ${password}`];
  const start = async () => {
    const own = ['cluster-enabled yes', `cluster-port ${await freePort()}`, 'cluster-node-timeout 2000'];
    return startServer(program, [...own, ...auth], { password, ...(tls && { tls: tls.client }) });
  };
  const servers: Server[] = [];
  for (let number = 0; number < 6; number += 1) servers.push(await start());
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'];
  const byTls = tls ? ['--tls', ...tls.cli] : [];
  execFileSync(program.replace('-server', '-cli'), [...byTls, ...create], {
    env: { ...process.env, REDISCLI_AUTH: password, VALKEYCLI_AUTH: password },
    stdio: 'pipe',
  });
  for (const server of servers) {
    const redis = server.client();
    await eventually(
      async () => `${await redis.call('CLUSTER', 'INFO')}`,
      (info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:6'),
    );
    await eventually(
      () => redis.info('replication'),
      (info) => /master_link_status:up|state=online/.test(info),
    );
    redis.disconnect();
  }
  return servers;
}

/** A master of a cluster: its server, its id, and the slots that it has. */
export interface ClusterMaster {
  readonly server: Server;
  readonly id: string;
  readonly has: (slot: number) => boolean;
}

/** The masters of a cluster that live, as one of its servers sees them. */
export async function clusterMasters(servers: readonly Server[], ask: Redis): Promise<ClusterMaster[]> {
  const nodes = `${await ask.call('CLUSTER', 'NODES')}`.trim().split('\n');
  return nodes.flatMap((line) => {
    const [id = '', address = '', flags = '', , , , , ...ranges] = line.split(' ');
    const server = servers.find(({ port }) => address.includes(`:${port}@`));
    if (!server || !/\bmaster$/.test(flags)) return [];
    const slots = ranges.map((range) => range.split('-').map(Number));
    const has = (slot: number) => slots.some(([from = -1, to = from]) => slot >= from && slot <= to);
    return slots.length > 0 ? [{ server, id, has }] : [];
  });
}

/** Moves every slot with keys in it from one master to another, key by key, while they are used; answers how many. */
export async function moveSlots(from: ClusterMaster, to: ClusterMaster, password: string): Promise<number> {
  const [source, target] = [from.server.client(), to.server.client()];
  const slots = new Set<number>();
  for (const key of await source.keys('*')) slots.add(Number(await source.call('CLUSTER', 'KEYSLOT', key)));
  for (const slot of slots) {
    await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    for (;;) {
      const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 10)) as string[];
      if (keys.length === 0) break;
      const where = ['127.0.0.1', to.server.port, '', 0, 5_000, 'AUTH', password, 'KEYS'] as const;
      await source.call('MIGRATE', ...where, ...keys);
    }
    for (const node of [target, source]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
  }
  source.disconnect();
  target.disconnect();
  return slots.size;
}
