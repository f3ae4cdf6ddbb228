import { Redis } from 'ioredis';
import { eventually } from './processes.js';
import { startRedis, type TestRedis } from './redis-server.js';
import { type SilentProxy, startSilentProxy } from './silent-proxy.mjs';

/** A master and its replica behind one address, and a failover that a test takes apart. */
export interface Failover {
  /** Where the master is, for the pool. */
  readonly url: string;
  readonly proxy: Pick<SilentProxy, 'silenceHost' | 'cut'>;
  /** Connections of the test's own: to the first master, and to the second. */
  readonly first: Redis;
  readonly second: Redis;
  /** Makes the replica a master: from now on it gets nothing of what the first one goes on to confirm. */
  part(): Promise<void>;
  /** From now on the address leads to the second master; what was open is closed. */
  arrive(): void;
  /** The address leads to the first master again, as a Sentinel that had been told too late corrects itself. */
  goBack(): void;
  stop(): Promise<void>;
}

const pathOf = ({ url }: TestRedis) => url.slice('unix://'.length);

/** Starts both servers; the replica has all that the master has. */
export async function startFailover(): Promise<Failover> {
  const servers = [await startRedis('--repl-diskless-sync-delay', '0'), await startRedis()] as const;
  const [first, second] = servers.map((server) => new Redis({ path: pathOf(server) })) as [Redis, Redis];
  const forReplica = await startSilentProxy({ path: pathOf(servers[0]) }); // a port
  const proxy = await startSilentProxy({ path: pathOf(servers[0]) });
  await second.call('REPLICAOF', '127.0.0.1', String(forReplica.port));
  const replication = (holds: (info: string) => boolean) => eventually(() => first.info('replication'), holds);
  await replication((info) => info.includes('state=online'));
  const leadTo = (server: TestRedis) => {
    proxy.redirect({ path: pathOf(server) });
    proxy.speak();
    proxy.cut();
  };
  return {
    url: proxy.url,
    proxy,
    first,
    second,
    async part() {
      await second.call('REPLICAOF', 'NO', 'ONE');
      await replication((info) => info.includes('connected_slaves:0'));
    },
    arrive: () => leadTo(servers[1]),
    goBack: () => leadTo(servers[0]),
    async stop() {
      for (const redis of [first, second]) redis.disconnect();
      for (const one of [proxy, forReplica, ...servers]) await one.stop();
    },
  };
}
