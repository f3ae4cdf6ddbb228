import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startUnreadCheck } from '../../src/http/unread.js';
import { eventually } from '../support/processes.js';

const MIB = 1024 * 1024;
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server that answers 20 MiB to everybody, and how many connections it has. */
async function served(limits: { withinMs: number; mostBytes: number }) {
  const server: Server = createServer((_, answer) => answer.end(Buffer.alloc(20 * MIB)));
  const check = startUnreadCheck(server, limits);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients: Socket[] = [];
  ends.push(() => {
    check.stop();
    for (const client of clients) client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return {
    async ask(reads: boolean): Promise<Socket> {
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
      client.on('error', () => {});
      clients.push(client);
      await once(client, 'connect');
      client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      if (reads) client.resume();
      return client;
    },
    connections: () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))),
  };
}

test('a client that reads nothing of its answer is hung up on, and one that reads has all of it', async () => {
  const { ask, connections } = await served({ withinMs: 1_500, mostBytes: 1_000 * MIB });
  await ask(false);
  const reader = await ask(true);
  await once(reader, 'close');
  expect(reader.bytesRead).toBeGreaterThan(20 * MIB);
  await eventually(connections, (count) => count === 0);
});

test('what waits in memory for all clients together is bounded', async () => {
  const { ask, connections } = await served({ withinMs: 600_000, mostBytes: 50 * MIB });
  for (let at = 0; at < 5; at += 1) await ask(false);
  await eventually(connections, (count) => count <= 2);
});
