import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How often the connections are looked at (ms). */
const LOOK_EVERY_MS = 1_000;

/** What waits in the memory of this process until the clients read it. */
export interface UnreadLimits {
  /** A client that has read nothing of its answer for this long is disconnected (ms). */
  readonly withinMs: number;
  /** Limit for all unread answers together (bytes); above it, the clients that have waited longest are disconnected, the largest first. */
  readonly mostBytes: number;
}

/** Hangs up on clients that do not read what they asked for. */
export function startUnreadCheck(server: Server, { withinMs, mostBytes }: UnreadLimits): { stop(): void } {
  const seen = new Map<Socket, { read: number; at: number }>();
  const add = (socket: Socket) => {
    seen.set(socket, { read: 0, at: performance.now() });
    socket.once('close', () => seen.delete(socket));
  };
  server.on('connection', add);

  const timer = setInterval(() => {
    const now = performance.now();
    const waiting: Socket[] = [];
    for (const [socket, last] of seen) {
      const read = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || read !== last.read) seen.set(socket, { read, at: now });
      else if (now - last.at > withinMs) socket.destroy();
      if (socket.writableLength > 0 && !socket.destroyed) waiting.push(socket);
    }
    waiting.sort((one, other) => other.writableLength - one.writableLength);
    let bytes = waiting.reduce((sum, socket) => sum + socket.writableLength, 0);
    for (const socket of waiting) {
      if (bytes <= mostBytes) break;
      bytes -= socket.writableLength;
      socket.destroy();
    }
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      server.off('connection', add);
    },
  };
}
