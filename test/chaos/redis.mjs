import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** More replicas than there are: a master that wants so many takes no writes. */
const TOO_MANY_REPLICAS = '9';
const REFUSALS = {
  noreplicas: [
    ['CONFIG', 'SET', 'min-replicas-to-write', TOO_MANY_REPLICAS],
    ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
  ],
  readonly: [
    ['REPLICAOF', '127.0.0.1', '1'],
    ['REPLICAOF', 'NO', 'ONE'],
  ],
  full: [
    ['CONFIG', 'SET', 'maxmemory', '1'],
    ['CONFIG', 'SET', 'maxmemory', '0'],
  ],
};
/** So long (ms) a failover may take from the wish for it: a replica that has just been cut off catches up first. */
const FAILOVER_WITHIN_MS = 30_000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A redis-server that keeps what it was told, on a unix socket and, with a port, on loopback. */
async function startServer(directory, socket, port = 0) {
  mkdirSync(directory, { recursive: true });
  const options = {
    port,
    bind: '127.0.0.1',
    unixsocket: socket,
    dir: directory,
    save: '',
    appendonly: 'yes',
    'maxmemory-policy': 'noeviction',
    'stream-node-max-bytes': 65_536,
    'repl-diskless-sync-delay': 0,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  let child;
  const connect = () => {
    const redis = new Redis({ path: socket, retryStrategy: () => 20, maxRetriesPerRequest: null });
    redis.on('error', () => {}); // killed on purpose
    return redis;
  };
  /** Does something with a connection of its own. */
  const ask = async (action) => {
    const redis = connect();
    try {
      return await action(redis);
    } finally {
      redis.disconnect();
    }
  };
  const start = async () => {
    child = spawn('redis-server', args, { stdio: 'ignore' });
    await ask((redis) => redis.ping());
  };
  const kill = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return { socket, port, ask, start, kill };
}

/** Asks until it holds; throws after a time. */
async function until(holds, what) {
  const deadline = performance.now() + FAILOVER_WITHIN_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`a failover: ${what} did not come true in time`);
    await pause(50);
  }
}

/** A private Redis; `withReplica` a master and a replica that take turns. */
export async function startRedis(root, { withReplica }) {
  let master = await startServer(join(root, 'redis'), join(root, 'redis.sock'), withReplica ? await freePort() : 0);
  let replica;
  if (withReplica) {
    replica = await startServer(join(root, 'replica'), join(root, 'replica.sock'), await freePort());
    await replica.ask((redis) => redis.replicaof('127.0.0.1', master.port));
  }
  const replication = async (server, fact) => (await server.ask((redis) => redis.info('replication'))).includes(fact);
  let busy = Promise.resolve();
  /** One fault at a time. */
  const inTurn = (action) => {
    busy = busy.then(action);
    return busy;
  };
  return {
    /** Where the master is. */
    socket: () => master.socket,
    killFor: (ms) =>
      inTurn(async () => {
        await master.kill();
        await pause(ms);
        await master.start();
      }),
    /** For a time (ms) it takes no writes: it misses a replica, has become one, or is full. */
    refuseFor: (ms, how) =>
      inTurn(() =>
        master.ask(async (redis) => {
          const [begin, end] = REFUSALS[how];
          await redis.call(...begin);
          await pause(ms);
          await redis.call(...end);
        }),
      ),
    /** The replica becomes the master, as for maintenance; `follow` is called after a time (ms), as an address follows. */
    failOver: (ms, follow) =>
      inTurn(async () => {
        await until(() => replication(replica, 'master_link_status:up'), 'a replica that is up to date');
        await master.ask((redis) => redis.call('FAILOVER', 'TO', '127.0.0.1', String(replica.port)));
        await until(() => replication(replica, 'role:master'), 'a replica that is the master');
        await until(() => replication(master, 'role:slave'), 'a master that is the replica');
        [master, replica] = [replica, master];
        await pause(ms);
        follow(master.socket);
      }),
    cutConnections: () =>
      inTurn(() =>
        master.ask(async (redis) => {
          await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
          await redis.client('KILL', 'TYPE', 'pubsub');
        }),
      ),
    async end() {
      await master.kill();
      await replica?.kill();
    },
  };
}
