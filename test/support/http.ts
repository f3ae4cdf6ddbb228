import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createBoard } from '../../src/board/create.js';
import { openLocalAccess } from '../../src/cli/local-token.js';
import { waitingByReason } from '../../src/client/waiting-by-reason.js';
import { isLocalOnly } from '../../src/http/authenticate.js';
import { type StartedHttp, startHttp } from '../../src/http/start.js';
import { openMcpHttp } from '../../src/mcp/http.js';
import type { Pool } from '../../src/shared/pool.js';
import { bearerFor, rememberToken } from './http-token.js';

/** The HTTP server as `agentpool serve` composes it, in this process. */
export async function serveHttp(pool: Pool): Promise<StartedHttp> {
  const access = openLocalAccess(pool.config.home);
  const started = await startHttp(
    pool,
    { mcp: openMcpHttp(pool), board: createBoard(pool), waiting: waitingByReason },
    access,
  );
  if (isLocalOnly(pool.config)) rememberToken(started.url, pool.config);
  return started;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Without the token that the server of a test place wants. */
  readonly anonymous?: boolean;
}

/** One HTTP request with exactly these headers; `fetch` would not let a test choose `Host`. */
export async function ask(
  url: string,
  { method = 'GET', headers = {}, body: sent, anonymous = false }: Asked = {},
): Promise<Answer> {
  const token = anonymous || headers.authorization !== undefined ? {} : bearerFor(url);
  const asked = request(url, { method, headers: { ...token, ...headers }, agent: false });
  asked.on('error', () => {}); // it may be answered, and hung up on, before all of it was sent
  asked.end(sent);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of answer.setEncoding('utf8')) body += chunk;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body };
}
