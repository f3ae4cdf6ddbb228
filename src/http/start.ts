import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { ConfigError, codeOf, ERRORS } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { createApp, type Rooms } from './app.js';
import { isLoopback } from './guard.js';
import { startLingering } from './linger.js';
import type { LocalAccess } from './login.js';
import { refuse, STATUSES } from './refuse.js';
import { startUnreadCheck } from './unread.js';

export interface StartedHttp {
  readonly url: string;
  /** Accepts no more requests, makes waiting calls answer now, and ends. */
  stop(): Promise<void>;
}

/** The headers of a request must arrive within this time (ms); its body has its own limit. */
const HEADERS_WITHIN_MS = 15_000;
/** Answers that wait in memory for clients that do not read (bytes). */
const MOST_UNREAD_BYTES = 64 * 1024 * 1024;
/** How long a response that is in progress at shutdown may take (ms). */
const ANSWER_WITHIN_MS = 5_000;
/** When no call has been open for this long (ms), only endless streams are left. */
const QUIET_MS = 250;

/**
 * The HTTP server: MCP and the board. Loopback only, unless somebody says who may ask; there, whoever has
 * `access` may do everything.
 */
export async function startHttp(pool: Pool, rooms: Rooms, access: LocalAccess): Promise<StartedHttp> {
  const { bind, port, tokens, oidcIssuer, oidcAudience } = pool.config;
  const problems: string[] = [];
  if (!isLoopback(bind) && tokens.length === 0 && oidcIssuer === undefined)
    problems.push(`AGENTPOOL_BIND: ${bind} can be reached from elsewhere, so AGENTPOOL_TOKENS is needed`);
  if (oidcIssuer !== undefined && oidcAudience === undefined)
    problems.push('AGENTPOOL_OIDC_AUDIENCE: is needed with AGENTPOOL_OIDC_ISSUER, or tokens for others would do');
  if (problems.length > 0) throw new ConfigError(problems);
  const stopping = new AbortController();
  const app = createApp(pool, rooms, access, stopping.signal);
  const listener = getRequestListener(async (request, env) => light(await app.fetch(request, env)), {
    hostname: bind,
    errorHandler: () => refuse('bad_request', 'this request cannot be answered'),
  });
  const limits = {
    headersTimeout: HEADERS_WITHIN_MS,
    requestTimeout: HEADERS_WITHIN_MS + pool.config.bodyTimeoutMs,
    connectionsCheckingInterval: 1_000,
  };
  const server = createServer(limits, listener);
  answerBrokenRequests(server);
  const unread = startUnreadCheck(server, { withinMs: pool.config.bodyTimeoutMs, mostBytes: MOST_UNREAD_BYTES });
  const lingering = startLingering(server);
  const { address, port: bound } = await listen(server, bind, port);
  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(address, bound),
    stop: () => {
      unread.stop();
      lingering.stop();
      stopped ??= stop(server, rooms, () => stopping.abort());
      return stopped;
    },
  };
}

/** A stream lasts: its answer is made anew, so that what the checks have made of it on its way is not kept until it ends. */
function light(response: Response): Response {
  const { status, headers, body } = response;
  if (headers.get('content-type') !== 'text/event-stream') return response;
  return new Response(body, { status, headers: Object.fromEntries(headers) });
}

async function stop(server: Server, { mcp }: Rooms, refuseMore: () => void): Promise<void> {
  const closed = new Promise<true>((resolve) => {
    server.close(() => resolve(true));
  });
  refuseMore();
  mcp.endWaits();
  const deadline = performance.now() + ANSWER_WITHIN_MS;
  let busy = performance.now();
  for (let done = false; !done; ) {
    const now = performance.now();
    if (mcp.openCalls() > 0) busy = now;
    if (now > deadline || now - busy > QUIET_MS) break;
    server.closeIdleConnections();
    done = await Promise.race([closed, pause(20, false as const)]);
  }
  await mcp.stop();
  server.closeAllConnections();
  await closed;
}

/** Requests that are not HTTP, or that never end, get an answer in JSON like all others. */
function answerBrokenRequests(server: Server): void {
  server.on('clientError', (error, socket) => {
    if (!socket.writable || socket.destroyed) return;
    const code = codeOf(error) === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_too_slow' : 'bad_request';
    const status = `${STATUSES[code]} ${STATUS_CODES[STATUSES[code]]}`;
    const body = JSON.stringify({ code, message: 'this request cannot be answered', hint: ERRORS[code].hint });
    const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
    socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`);
  });
}

/** The address for a browser on this machine; a wildcard address cannot be opened. */
function urlOf(address: string, port: number): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** What the operator can fix about an address that cannot be listened on. */
function listenProblem(error: unknown, hostname: string, port: number): string | undefined {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `AGENTPOOL_PORT: port ${port} is taken; choose another, or 0 for a free one`;
    case 'EACCES':
      return `AGENTPOOL_PORT: this user may not listen on port ${port}; choose one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `AGENTPOOL_BIND: ${hostname} is not an address of this machine`;
    default:
      return undefined;
  }
}

function listen(server: Server, hostname: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const problem = listenProblem(error, hostname, port);
      reject(problem === undefined ? error : new ConfigError([problem], codeOf(error) === 'EADDRINUSE'));
    });
    server.listen(port, hostname, () => resolve(server.address() as AddressInfo));
  });
}
