import type { Server, Transport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Connection } from '../surface.js';
import { bindSince2026 } from './since-2026.js';

/** Serves one client of protocol 2026-07-28 that stays, over a transport that is open already. */
export function serveSince2026(connection: Connection, transport: Transport) {
  let server: Server | undefined;
  serveStdio(
    () => {
      server = bindSince2026(connection);
      return server;
    },
    { transport },
  );
  return {
    /** Says that a resource has changed, to a client that listens. */
    tellUpdated(uri: string): void {
      server?.sendResourceUpdated({ uri }).catch(() => {});
    },
  };
}
