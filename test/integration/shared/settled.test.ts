import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { openAgents } from '../../../src/shared/agents/open.js';
import { openLogger } from '../../../src/shared/logger.js';
import { openSettling } from '../../../src/shared/redis/settled.js';
import { asUnreachable } from '../../../src/shared/redis/unreachable.js';
import { cleanUpAfterEach } from '../../support/beginnings.js';
import { eventually } from '../../support/processes.js';
import { startRedis, type TestRedis } from '../../support/redis-server.js';
import { startSilentProxy } from '../../support/silent-proxy.mjs';

test('what was written is confirmed by a replica that answers, and refused while one is silent', async () => {
  const master = await startRedis('--repl-diskless-sync-delay', '0');
  const replica = await startRedis();
  const path = (url: string) => url.slice('unix://'.length);
  const proxy = await startSilentProxy({ path: path(master.url) }); // a port for the replica
  const redis = new Redis({ path: path(master.url) });
  const other = new Redis({ path: path(replica.url) });
  try {
    const settling = openSettling(redis, 'agentpool', openLogger('test', 'error'));
    await redis.set('k', '0');
    await settling.settled(); // there is none: nothing to wait for
    await other.call('REPLICAOF', '127.0.0.1', String(proxy.port));
    await eventually(
      () => redis.info('replication'),
      (info) => info.includes('state=online'),
    );
    await eventually(
      async () => {
        await redis.set('k', '1');
        await settling.settled();
        return other.get('k');
      },
      (value) => value === '1',
    );
    process.kill(replica.pid, 'SIGSTOP');
    await redis.set('k', '2');
    await expect(settling.settled()).rejects.toMatchObject({ code: 'redis_refused' });
    process.kill(replica.pid, 'SIGCONT');
    await eventually(() =>
      settling.settled().then(
        () => true,
        () => false,
      ),
    );
    expect(await other.get('k')).toBe('2');
  } finally {
    process.kill(replica.pid, 'SIGCONT');
    redis.disconnect();
    other.disconnect();
    await proxy.stop();
    await replica.stop();
    await master.stop();
  }
});

const cleanUp = cleanUpAfterEach();

const pathOf = ({ url }: TestRedis) => url.slice('unix://'.length);

/** A connection of a process that has just been started, which knows nothing of replicas of its own. */
function newProcess(server: TestRedis) {
  const redis = new Redis({ path: pathOf(server) });
  cleanUp.push(() => redis.disconnect());
  return { server, redis, settling: openSettling(redis, 'agentpool', openLogger('test', 'error')) };
}

/** A master whose replica has everything. */
async function masterWithReplica(before: (master: ReturnType<typeof newProcess>) => Promise<void> = async () => {}) {
  const master = await startRedis('--repl-diskless-sync-delay', '0');
  const replica = await startRedis();
  const proxy = await startSilentProxy({ path: pathOf(master) });
  cleanUp.push(master.stop, replica.stop, proxy.stop);
  const [asMaster, asReplica] = [newProcess(master), newProcess(replica)];
  await before(asMaster);
  await asReplica.redis.call('REPLICAOF', '127.0.0.1', String(proxy.port));
  await eventually(
    () => asMaster.redis.info('replication'),
    (info) => info.includes('state=online'),
  );
  // It confirms within its time from the first write on.
  await eventually(
    () => asReplica.redis.info('replication'),
    (info) => info.includes('master_link_status:up'),
  );
  return { master, replica, asMaster, asReplica };
}

const gone = (redis: Redis) =>
  eventually(
    () => redis.info('replication'),
    (info) => info.includes('connected_slaves:0'),
  );

test('who has just connected to a master that was replaced accepts nothing, and the new master may be used', async () => {
  const { master, replica, asMaster, asReplica } = await masterWithReplica();
  await asMaster.redis.set('k', '1');
  await asMaster.settling.settled();
  await asReplica.redis.call('REPLICAOF', 'NO', 'ONE');
  await gone(asMaster.redis);

  const late = newProcess(master);
  await late.redis.set('k', 'what the new master never gets');
  await expect(late.settling.settled()).rejects.toMatchObject({ code: 'redis_refused' });

  const onNew = newProcess(replica);
  await onNew.redis.set('k', '2');
  await onNew.settling.settled();
});

test('where a replica is wanted for writes, nothing is accepted without one, though nobody knew of any', async () => {
  const { master, asMaster, asReplica } = await masterWithReplica();
  await asMaster.redis.config('SET', 'min-replicas-to-write', '1');
  await asReplica.redis.call('REPLICAOF', 'NO', 'ONE');
  const late = newProcess(master);
  const outcome = await late.redis
    .set('k', '1')
    .then(() => late.settling.settled())
    .then(
      () => 'accepted',
      (error: Error) => error.message,
    );
  expect(outcome).toMatch(/NOREPLICAS|0 of 1 replicas/);
});

test('a replica that has come and left between two looks was one that counts', async () => {
  const { master, asMaster, asReplica } = await masterWithReplica(async ({ redis, settling }) => {
    await redis.set('k', '0');
    await settling.settled(); // there is none yet
  });
  await asReplica.redis.call('REPLICAOF', 'NO', 'ONE');
  await gone(asMaster.redis);
  const late = newProcess(master);
  await late.redis.set('k', '1');
  await expect(late.settling.settled()).rejects.toMatchObject({ code: 'redis_refused' });
});

test('a replica that has come and left since this process last looked counts, however lately that was', async () => {
  const { asMaster, asReplica } = await masterWithReplica(async ({ redis, settling }) => {
    await redis.set('k', '0');
    await settling.settled(); // there is none yet
  });
  await asReplica.redis.call('REPLICAOF', 'NO', 'ONE');
  await gone(asMaster.redis);
  await asMaster.redis.set('k', '1');
  await expect(asMaster.settling.settled()).rejects.toMatchObject({ code: 'redis_refused' });
  const storing = openAgents(asMaster.redis, 'agentpool', asMaster.settling).create({
    name: 'a',
    runner: 'demo',
    prompt: 'Do it.',
  });
  await expect(storing).rejects.toMatchObject({ code: 'redis_refused' });
});

test('what was done is not kept when the connection was lost meanwhile', async () => {
  const { asMaster } = await masterWithReplica();
  const { redis, settling } = asMaster;
  expect(await settling.keep(() => redis.set('k', '1'))).toBe('OK');
  const lost = settling.keep(async () => {
    await redis.set('k', '2');
    redis.stream.destroy();
    await redis.ping();
  });
  await expect(lost).rejects.toMatchObject({ code: 'redis_refused' });
});

test('a write to a master that has become a replica since is not settled, and its connection is made anew', async () => {
  const { replica, asMaster, asReplica } = await masterWithReplica();
  await asReplica.redis.call('REPLICAOF', 'NO', 'ONE');
  await gone(asMaster.redis);
  await asMaster.redis.set('k', 'what the new master never gets');
  const before = asMaster.settling.interruptions();
  const proxy = await startSilentProxy({ path: pathOf(replica) });
  cleanUp.push(proxy.stop);
  await asMaster.redis.call('REPLICAOF', '127.0.0.1', String(proxy.port));
  await expect(asMaster.settling.settled()).rejects.toMatchObject({ code: 'redis_refused' });
  await eventually(asMaster.settling.interruptions, (count) => count > before);
});

/** Makes one server the replica of another, and waits until it has what that one has. */
async function follows(follower: Redis, port: number): Promise<void> {
  await follower.call('REPLICAOF', '127.0.0.1', String(port));
  await eventually(
    () => follower.info('replication'),
    (info) => info.includes('master_link_status:up'),
  );
}

test('what was done is not kept when a server was a replica meanwhile, though no connection was lost', async () => {
  const { replica, asMaster, asReplica } = await masterWithReplica();
  const { redis, settling } = asMaster;
  expect(await settling.keep(() => redis.set('k', '1'))).toBe('OK');
  await asReplica.redis.call('REPLICAOF', 'NO', 'ONE');
  const proxy = await startSilentProxy({ path: pathOf(replica) });
  cleanUp.push(proxy.stop);
  const forgotten = settling.keep(async () => {
    await redis.set('k', 'what the other one never gets');
    await follows(redis, proxy.port);
    await redis.call('REPLICAOF', 'NO', 'ONE');
  });
  await expect(forgotten).rejects.toMatchObject({ code: 'redis_refused' });
  expect(await redis.get('k')).toBe('1');
  expect(await settling.keep(() => redis.set('k', '2'))).toBe('OK');
});

test('what was written is refused, in plain words, when its master becomes a replica while others are to confirm it', async () => {
  const { replica, asMaster } = await masterWithReplica();
  await asMaster.settling.settled();
  process.kill(replica.pid, 'SIGSTOP');
  const proxy = await startSilentProxy({ path: pathOf(replica) });
  cleanUp.push(proxy.stop, () => void process.kill(replica.pid, 'SIGCONT'));
  const other = newProcess(asMaster.server).redis;
  await asMaster.redis.set('k', '1');
  const settled = asMaster.settling.settled().catch((error: unknown) => asUnreachable(error));
  await eventually(
    () => other.info('clients'),
    (info) => info.includes('blocked_clients:1'),
  );
  await other.call('REPLICAOF', '127.0.0.1', String(proxy.port));
  expect(await settled).toMatchObject({ code: 'redis_refused' });
});
