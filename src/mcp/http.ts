import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import { messageOf } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import type { Principal, Scope } from '../shared/principal.js';
import { bindSince2026 } from './bindings/since-2026.js';
import { listenedTo, openEventBus } from './bindings/since-2026-listening.js';
import { bindUntil2025 } from './bindings/until-2025.js';
import { createOpenCalls } from './open-calls.js';

/**
 * MCP over HTTP without sessions: each request is answered by itself, so any replica answers it. The headers of an
 * answer go out at once, since clients give up when they have seen none for a minute.
 */
export function openMcpHttp(pool: Pool) {
  const calls = createOpenCalls();
  const news = openEventBus();
  const since2026 = createMcpHandler(
    ({ authInfo, requestInfo }) =>
      bindSince2026({
        pool,
        calls,
        principal: { name: authInfo?.clientId ?? '', scopes: (authInfo?.scopes ?? []) as Scope[] },
        userAgent: requestInfo?.headers.get('user-agent') ?? undefined,
      }),
    {
      legacy: 'reject',
      responseMode: 'sse',
      bus: news.bus,
      onerror: (error) => pool.logger.debug({ err: messageOf(error) }, 'an MCP request was refused'),
    },
  );

  async function answerUntil2025(request: Request, body: unknown, principal: Principal): Promise<Response> {
    const userAgent = request.headers.get('user-agent') ?? undefined;
    const server = bindUntil2025({ pool, calls, principal, userAgent });
    const transport = new WebStandardStreamableHTTPServerTransport({});
    // Nobody can come back for the answer, so whoever hangs up has given up.
    request.signal.addEventListener('abort', () => void server.close());
    await server.connect(transport);
    return transport.handleRequest(request, { parsedBody: body });
  }

  return {
    async answer(request: Request, body: unknown, principal: Principal): Promise<Response> {
      if (await isLegacyRequest(request, body)) return answerUntil2025(request, body, principal);
      const authInfo = { token: '', clientId: principal.name, scopes: [...principal.scopes] };
      const uris = listenedTo(body) ?? [];
      return news.during({ asker: { pool, principal }, uris }, () =>
        since2026.fetch(request, { parsedBody: body, authInfo }),
      );
    },
    openCalls: calls.count,
    endWaits: calls.endWaits,
    stop: () => since2026.close(),
  };
}
