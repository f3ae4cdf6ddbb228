import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { followMaster } from '../../../src/shared/redis/follow-master.js';
import { cleanUpAfterEach } from '../../support/beginnings.js';
import { eventually } from '../../support/processes.js';

const cleanUp = cleanUpAfterEach();

/** A port where nobody listens, and what a server that comes there later is asked. */
async function openLater() {
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const { port } = free.address() as { port: number };
  await new Promise((resolve) => free.close(resolve));
  let asked = '';
  const open = async () => {
    const sockets = new Set<Socket>();
    // A real server behind it answers that it is no Sentinel.
    const server = createServer((client) => {
      const behind = connect(inject('redisUrl').slice('unix://'.length));
      for (const one of [client, behind]) sockets.add(one.on('error', () => {}));
      client.on('data', (bytes) => {
        asked += bytes;
      });
      client.pipe(behind).pipe(client);
    }).listen(port, '127.0.0.1');
    cleanUp.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  };
  return { port, open, questions: () => asked.toUpperCase().split('GET-MASTER-ADDR-BY-NAME').length - 1 };
}

async function follower(port: number): Promise<Redis> {
  const redis = new Redis(inject('redisUrl'), { retryStrategy: () => 20 });
  cleanUp.push(() => redis.disconnect());
  followMaster(redis, { kind: 'sentinel', tls: false, sentinels: [{ host: '127.0.0.1', port }], name: 'main' });
  await new Promise((resolve) => redis.once('ready', resolve));
  return redis;
}

test('a Sentinel that comes back is not asked all that it was to be asked meanwhile', async () => {
  const sentinel = await openLater();
  await follower(sentinel.port);
  await pause(4_500); // as many questions as seconds
  await sentinel.open();
  await eventually(() => sentinel.questions() > 0);
  await pause(300);
  expect(sentinel.questions()).toBeLessThanOrEqual(3);
});

test('Sentinels are asked on when all connections were made anew during a look', async () => {
  const sentinel = await openLater();
  const redis = await follower(sentinel.port);
  await pause(300); // nobody answers, so the look takes longer than that
  redis.stream.destroy();
  await new Promise((resolve) => redis.once('ready', resolve));
  await pause(1_000);
  await sentinel.open();
  await eventually(() => sentinel.questions() > 0);
});
