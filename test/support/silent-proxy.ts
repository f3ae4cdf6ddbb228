import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';

/** What a connection has shown itself to be: the one that has subscribed, or another one. */
type Kind = 'notifications' | 'commands';

export interface SilentProxy {
  readonly port: number;
  readonly url: string;
  /**
   * From now on these connections carry nothing, in neither direction, and stay open: as after a firewall that has
   * forgotten them. New ones work.
   */
  silence(which?: Kind): number;
  /** All connections carry nothing, new ones too: the machine behind has fallen silent. */
  silenceHost(): void;
  /** New connections work again; those that are silent stay so. */
  speak(): void;
  /** Connections that are open and not silent. */
  open(which?: Kind): number;
  stop(): Promise<void>;
}

interface Passage {
  readonly client: Socket;
  readonly server: Socket;
  kind: Kind;
  silent: boolean;
}

/** Our own proxy before a Redis, which can fall silent without closing anything. */
export async function startSilentProxy(behind: NetConnectOpts, port = 0): Promise<SilentProxy> {
  const passages = new Set<Passage>();
  let hostIsSilent = false;
  const server = createServer((client) => {
    const passage: Passage = { client, server: connect(behind), kind: 'commands', silent: hostIsSilent };
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
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const are = (which: Kind | undefined) => [...passages].filter(({ kind }) => which === undefined || kind === which);
  const silence = (which?: Kind) => {
    for (const passage of are(which)) passage.silent = true;
    return are(which).length;
  };
  return {
    port: bound,
    url: `redis://127.0.0.1:${bound}`,
    silence,
    silenceHost() {
      hostIsSilent = true;
      silence();
    },
    speak() {
      hostIsSilent = false;
    },
    open: (which) => are(which).filter(({ silent }) => !silent).length,
    async stop() {
      server.close();
      for (const { client, server: redis } of passages) {
        client.destroy();
        redis.destroy();
      }
      await once(server, 'close');
    },
  };
}
