import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Our own proxy before a Redis, which can fall silent without closing anything. */
export async function startSilentProxy(first, where = 0) {
  let behind = first;
  const passages = new Set();
  let hostIsSilent = false;
  const server = createServer((client) => {
    const passage = { client, server: connect(behind), kind: 'commands', silent: hostIsSilent };
    passages.add(passage);
    client.on('data', (bytes) => {
      if (/\r\nsubscribe\r\n/i.test(bytes.toString('latin1'))) passage.kind = 'notifications';
      if (!passage.silent) passage.server.write(bytes);
    });
    passage.server.on('data', (bytes) => {
      if (!passage.silent) client.write(bytes);
    });
    const close = () => {
      if (passage.silent && !client.destroyed && !client.readableEnded) return; // not even the end is told
      passages.delete(passage);
      client.destroy();
      passage.server.destroy();
    };
    for (const socket of [client, passage.server])
      socket
        .on('close', close)
        .on('end', close)
        .on('error', () => {});
  });
  server.listen(typeof where === 'number' ? { port: where, host: '127.0.0.1' } : { path: where });
  await once(server, 'listening');
  const { port = 0 } = server.address();
  const are = (which) => [...passages].filter(({ kind }) => which === undefined || kind === which);
  const silence = (which) => {
    for (const passage of are(which)) passage.silent = true;
    return are(which).length;
  };
  const cut = () => {
    for (const { client, server: redis } of passages) {
      client.destroy();
      redis.destroy();
    }
  };
  return {
    port,
    url: typeof where === 'number' ? `redis://127.0.0.1:${port}` : `unix://${where}`,
    silence,
    silenceHost() {
      hostIsSilent = true;
      silence();
    },
    speak() {
      hostIsSilent = false;
    },
    cut,
    redirect(to) {
      behind = to;
    },
    open: (which) => are(which).filter(({ silent }) => !silent).length,
    async stop() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
