import type { Transport as TransportUntil2025 } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Server as ServerSince2026, Transport } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio as serveSince2026 } from '@modelcontextprotocol/server/stdio';
import type { Pool } from '../shared/pool.js';
import { LOCAL } from '../shared/principal.js';
import { bindSince2026 } from './bindings/since-2026.js';
import { openListening } from './bindings/since-2026-listening.js';
import { bindUntil2025 } from './bindings/until-2025.js';
import { withoutNulls } from './door/message.js';
import { createOpenCalls } from './open-calls.js';
import type { Connection } from './surface.js';

/** A prompt that is too long has to be read to be refused (bytes). */
const LARGEST_MESSAGE = 64 * 1024 * 1024;

/** Serves one client on stdin and stdout; resolves when the client goes away. The runs it submitted go on. */
export async function serveStdio(pool: Pool): Promise<void> {
  const connection = { pool, principal: LOCAL, calls: createOpenCalls(), lasting: true };
  const wire = new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: LARGEST_MESSAGE });
  /** The wire as the SDK sees it that takes it over, when it has been started already. */
  const leg: Transport = {
    start: async () => {},
    send: (message) => wire.send(message),
    close: () => wire.close(),
  };
  const gone = new Promise<void>((resolve) => {
    wire.onclose = () => {
      leg.onclose?.();
      resolve();
    };
  });
  wire.onerror = (error) => leg.onerror?.(error);
  // The first message tells which protocol the client speaks: only the older ones begin with `initialize`.
  wire.onmessage = (first) => {
    wire.onmessage = (message) => leg.onmessage?.(withoutNulls(message));
    if ('method' in first && first.method === 'initialize')
      void bindUntil2025(connection).connect(leg as TransportUntil2025);
    else startSince2026(connection, leg);
    leg.onmessage?.(first);
  };
  await wire.start();
  await gone;
}

/** Before the SDK, which tells nobody what a client listens to, every message is heard here. */
function startSince2026(connection: Connection, leg: Transport): void {
  let server: ServerSince2026 | undefined;
  const listening = openListening(connection, (uri) => {
    server?.sendResourceUpdated({ uri }).catch(() => {});
  });
  serveSince2026(
    () => {
      server = bindSince2026(connection);
      return server;
    },
    { transport: leg },
  );
  const take = leg.onmessage;
  leg.onmessage = (message) => {
    listening.hear(message);
    take?.(message);
  };
  const close = leg.onclose;
  leg.onclose = () => {
    listening.stop();
    close?.();
  };
}
