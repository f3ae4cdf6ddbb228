import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A proxy before Redis, on a socket of its own, whose connections can fall silent without being closed. */
export async function openSilentDoor(socket, behind) {
  const passages = new Set();
  const server = createServer((client) => {
    const passage = { client, redis: connect(behind), silent: false };
    passages.add(passage);
    client.on('data', (bytes) => passage.silent || passage.redis.write(bytes));
    passage.redis.on('data', (bytes) => passage.silent || client.write(bytes));
    const close = () => {
      if (passage.silent && !client.destroyed && !client.readableEnded) return; // not even the end is told
      passages.delete(passage);
      client.destroy();
      passage.redis.destroy();
    };
    for (const side of [client, passage.redis])
      side
        .on('close', close)
        .on('end', close)
        .on('error', () => {}); // killed on purpose
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    /** What is open carries nothing from now on; new connections work. */
    silence() {
      for (const passage of passages) passage.silent = true;
    },
    stop() {
      server.close();
      for (const { client, redis } of passages) {
        client.destroy();
        redis.destroy();
      }
    },
  };
}
