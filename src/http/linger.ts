import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A body that is no longer than this is read to its end even when it is refused: its connection can be used again (bytes). */
const SHORT_BODY = 64 * 1024;
/** How many clients at once may go on sending after their answer, which is discarded; the others are no longer read. */
const MOST_READ_ON = 4;
/** How much of one body is discarded (bytes). */
const MOST_DISCARDED = 64 * 1024 * 1024;
/** How long a client has by default to take its answer before the connection is reset (ms). */
const LINGER_MS = 2_000;
/** How many connections wait for that at once; the others are reset with their answer. */
const MOST_LINGERING = 1_000;

/**
 * Closes the connections of clients that are still sending a body when they have their answer. Most are left unread for a while
 * and then reset, so that a flood of refused bodies costs next to nothing; a few are read on, since some clients look for
 * an answer only after they have sent everything.
 */
export function startLingering(server: Server, withinMs = LINGER_MS): { stop(): void } {
  const open = new Set<Socket>();
  let readOn = 0;

  const linger = (incoming: IncomingMessage) => {
    const { socket } = incoming;
    const isRead = readOn < MOST_READ_ON;
    let bytes = 0;
    // A stream with such a listener does not flow, whoever resumes it: nothing is read that is not asked for here.
    incoming.on('readable', () => {
      const chunk: Buffer | null = isRead ? incoming.read() : null;
      bytes += chunk?.length ?? 0;
      if (bytes > MOST_DISCARDED) socket.destroy();
    });
    if (open.size >= MOST_LINGERING) return;
    open.add(socket);
    if (isRead) readOn += 1;
    const timer = setTimeout(() => socket.destroy(), withinMs).unref();
    incoming.once('end', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      open.delete(socket);
      if (isRead) readOn -= 1;
    });
    socket.destroySoon = () => socket.end(); // the answer goes out, and the timer does the rest
  };

  const watch = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (isShort(incoming)) return;
    const { shouldKeepAlive } = outgoing;
    outgoing.shouldKeepAlive = false;
    incoming.once('end', () => {
      outgoing.shouldKeepAlive = shouldKeepAlive;
    });
    // Before Node's own, which would read all of it at once.
    outgoing.prependOnceListener('finish', () => {
      if (!incoming.complete) linger(incoming);
    });
  };

  server.prependListener('request', watch);
  return {
    stop() {
      server.off('request', watch);
      for (const socket of open) socket.destroy();
    },
  };
}

function isShort({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= SHORT_BODY;
}
