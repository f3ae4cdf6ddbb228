import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { readJson } from '../../src/http/body.js';
import { startLingering } from '../../src/http/linger.js';

const MIB = 1024 * 1024;
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

type Refuse = (incoming: IncomingMessage) => Promise<unknown>;

/** A server that refuses everything, at once if nothing else is said, and its end of each connection. */
async function refusing(decide: Refuse = async () => undefined, withinMs?: number) {
  const server: Server = createServer(async (incoming, answer) => {
    await decide(incoming);
    answer.writeHead(429).end('refused');
  });
  const lingering = startLingering(server, withinMs);
  const connections: Socket[] = [];
  server.on('connection', (socket) => connections.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    lingering.stop();
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections };
}

/** Sends a body of so many bytes, or its beginning; resolves with what was heard until the server had no more to say. */
async function send(port: number, length: number, part = length): Promise<string> {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  ends.push(() => client.destroy());
  const over = Promise.race(['end', 'close'].map((what) => new Promise((resolve) => client.once(what, resolve))));
  let heard = '';
  client.on('error', () => {}); // the connection is reset while it sends
  client.on('data', (bytes) => {
    heard += bytes;
  });
  client.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`);
  client.write(Buffer.alloc(part, 'x'));
  await over;
  return heard;
}

test('of 60 refused bodies of 8 MB each sender has its answer, and only four at once are read', async () => {
  const { port, connections } = await refusing(undefined, 600_000);
  await Promise.all(Array.from({ length: 4 }, () => send(port, 8 * MIB, 1_000)));
  const heard = await Promise.all(Array.from({ length: 60 }, () => send(port, 8 * MIB)));
  expect(heard.filter((answer) => !/^HTTP\/1.1 429 .*connection: close.*refused/is.test(answer))).toEqual([]);
  expect(Math.max(...connections.map(({ bytesRead }) => bytesRead))).toBeLessThan(MIB);
});

test('of a body that declares more than may be held nothing is looked at', async () => {
  const asked: number[] = [];
  const decide: Refuse = (incoming) =>
    readJson(incoming, 60_000, (bytes) => {
      asked.push(bytes);
      return false;
    });
  const { port } = await refusing(decide);
  expect(await send(port, 4 * MIB, 1_000)).toContain('429'); // the rest never comes
  expect(asked).toEqual([4 * MIB]);
});

test('what never comes to its end is hung up on', async () => {
  const { port, connections } = await refusing();
  expect(await send(port, 8 * MIB, 1_000)).toContain('429');
  await new Promise((resolve) => connections[0]?.once('close', resolve));
});

test('a client that looks for the answer only after all of its body has it', async () => {
  const { port } = await refusing();
  const client = connect(port, '127.0.0.1').pause();
  client.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${20 * MIB}\r\n\r\n`);
  await new Promise((resolve) => client.write(Buffer.alloc(20 * MIB, 'x'), resolve));
  expect(String((await once(client.resume(), 'data'))[0])).toContain('429');
});

test('the connection of a short body is kept', async () => {
  const { port } = await refusing();
  const client = connect(port, '127.0.0.1');
  const request = `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello`;
  for (let at = 0; at < 2; at += 1) {
    client.write(request);
    expect(String((await once(client, 'data'))[0])).toMatch(/connection: keep-alive/i);
  }
  client.destroy();
});
