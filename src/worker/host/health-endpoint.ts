import { once } from 'node:events';
import { lstatSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type ListenOptions } from 'node:net';
import { ConfigError, codeOf, messageOf } from '../../shared/errors.js';
import type { Verdict } from './vitals.js';

/** A probe that takes longer to ask is not answered (ms). */
const ASKED_WITHIN_MS = 5_000;
const MOST_CONNECTIONS = 50;

export interface HealthEndpoint {
  /** `http://host:port`, or the path of the socket. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Who may read the metrics, and what they are. */
export interface Scrape {
  /** The HTTP status for an `Authorization` header: 200 if it may. */
  readonly allows: (authorization: string | undefined) => Promise<number>;
  readonly text: () => Promise<{ readonly type: string; readonly text: string }>;
}

/**
 * Answers `/healthz` (a restart is needed: 503) and `/readyz` (runs are not taken: 503) on a port or a unix socket, to
 * anybody who reaches it, and `/metrics` to who may. Throws a ConfigError when the place is taken.
 */
export async function startHealthEndpoint(
  where: ListenOptions,
  look: () => Promise<Verdict>,
  scrape?: Scrape,
): Promise<HealthEndpoint> {
  const server = createServer(
    { requestTimeout: ASKED_WITHIN_MS, headersTimeout: ASKED_WITHIN_MS, keepAlive: false },
    (request, response) => {
      if (scrape && request.url === '/metrics' && request.method === 'GET')
        return void answerScrape(request, response, scrape);
      const which = ({ '/healthz': 'live', '/readyz': 'ready' } as const)[request.url ?? ''];
      if (which === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return answer(response, 404);
      look().then(
        (verdict) => answer(response, verdict[which].length === 0 ? 200 : 503, verdict[which]),
        (error: unknown) => answer(response, 503, [messageOf(error)]),
      );
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  if (where.path !== undefined) await removeStale(where.path);
  try {
    server.listen(where);
    await once(server, 'listening');
  } catch (error) {
    throw new ConfigError([`AGENTPOOL_WORKER_HEALTH: it cannot listen there (${messageOf(error)})`]);
  }
  const bound = server.address() as AddressInfo | string;
  return {
    address: typeof bound === 'string' ? bound : `http://${hostOf(bound)}:${bound.port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const hostOf = ({ address, family }: AddressInfo) => (family === 'IPv6' ? `[${address}]` : address);

function answer(response: ServerResponse, status: number, problems: readonly string[] = []): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify({ ok: status === 200, ...(problems.length > 0 && { problem: problems.join('; ') }) }));
}

async function answerScrape(request: IncomingMessage, response: ServerResponse, scrape: Scrape): Promise<void> {
  try {
    const status = await scrape.allows(request.headers.authorization);
    if (status === 401) response.setHeader('www-authenticate', 'Bearer realm="agentpool"');
    if (status !== 200) return answer(response, status, ['figures are for a token with the scope metrics']);
    const { type, text } = await scrape.text();
    response.writeHead(200, { 'content-type': type, connection: 'close' });
    response.end(text);
  } catch (error) {
    answer(response, 503, [messageOf(error)]);
  }
}

/** A worker that was killed leaves its socket behind: a socket without a listener is removed, any other file stays. */
async function removeStale(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const socket = connect(path);
  const isTaken = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'));
  });
  socket.destroy();
  if (!isTaken) rmSync(path, { force: true });
}
