import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { openLogger } from '../../../src/shared/logger.js';
import { openReplicas } from '../../../src/shared/redis/replicas.js';
import { eventually } from '../../support/processes.js';
import { startRedis } from '../../support/redis-server.js';
import { startSilentProxy } from '../../support/silent-proxy.js';

test('what was written is confirmed by a replica that answers, and refused while one is silent', async () => {
  const master = await startRedis('--repl-diskless-sync-delay', '0');
  const replica = await startRedis();
  const path = (url: string) => url.slice('unix://'.length);
  const proxy = await startSilentProxy({ path: path(master.url) }); // a port for the replica
  const redis = new Redis({ path: path(master.url) });
  const other = new Redis({ path: path(replica.url) });
  try {
    const replicas = openReplicas(redis, openLogger('test', 'error'));
    await redis.set('k', '0');
    await replicas.confirmed(); // there is none: nothing to wait for
    await other.call('REPLICAOF', '127.0.0.1', String(proxy.port));
    await eventually(
      () => redis.info('replication'),
      (info) => info.includes('state=online'),
    );
    await eventually(
      async () => {
        await redis.set('k', '1');
        await replicas.confirmed();
        return other.get('k');
      },
      (value) => value === '1',
    );
    const seen = performance.now();
    await eventually(() => performance.now() - seen > 1_100); // a server is asked for its replicas once a second
    await replicas.confirmed();
    process.kill(replica.pid, 'SIGSTOP');
    await redis.set('k', '2');
    await expect(replicas.confirmed()).rejects.toMatchObject({ code: 'redis_refused' });
    process.kill(replica.pid, 'SIGCONT');
    await eventually(() =>
      replicas.confirmed().then(
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
