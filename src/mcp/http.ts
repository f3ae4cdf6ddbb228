import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import { messageOf } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import type { Principal, Scope } from '../shared/principal.js';
import type { TraceHeaders } from '../shared/traces/trace-context.js';
import { refusalOf } from './bindings/refusals.js';
import { bindSince2026 } from './bindings/since-2026.js';
import { listenedTo, openEventBus } from './bindings/since-2026-listening.js';
import { bringMessage } from './door/message.js';
import { createOpenCalls } from './open-calls.js';
import type { WireMessage } from './stdio-wire.js';

/**
 * MCP over HTTP without sessions: each request is answered by itself, so any replica answers it. The headers of an
 * answer go out at once, since clients give up when they have seen none for a minute.
 */
export function openMcpHttp(pool: Pool) {
  const { config, logger } = pool;
  const calls = createOpenCalls();
  const ofPool = { config, logger, pool: async () => pool };
  const news = openEventBus();
  const since2026 = createMcpHandler(
    ({ authInfo, requestInfo }) =>
      bindSince2026(
        {
          ...ofPool,
          calls,
          principal: { name: authInfo?.clientId ?? '', scopes: (authInfo?.scopes ?? []) as Scope[] },
          userAgent: requestInfo && userAgentOf(requestInfo),
          ...(requestInfo && { pageOf: pageAt(requestInfo), trace: traceOf(requestInfo) }),
        },
        requestInfo?.headers.get('mcp-method') ?? undefined, // the SDK has compared it with the message
      ),
    {
      legacy: 'reject',
      responseMode: 'sse',
      bus: news.bus,
      onerror: (error) => logger.debug({ err: messageOf(error) }, 'an MCP request was refused'),
    },
  );

  return {
    async answer(asked: Request, given: unknown, principal: Principal): Promise<Response> {
      const brought = bringMessage(given);
      if ('refused' in brought) return Response.json(brought.refused);
      const body = brought.message;
      const request = takingBoth(asked);
      if (await isLegacyRequest(request, body)) {
        const { answerUntil2025 } = await import('./http-until-2025.js'); // many servers never need the older SDK
        return answerUntil2025(request, body, {
          ...ofPool,
          calls,
          principal,
          userAgent: userAgentOf(request),
          pageOf: pageAt(request),
          trace: traceOf(request),
        });
      }
      const authInfo = { token: '', clientId: principal.name, scopes: [...principal.scopes] };
      const answered = () => since2026.fetch(request, { parsedBody: body, authInfo });
      const uris = listenedTo(body);
      // Once an AsyncLocalStorage is in use, Node keeps 6 KiB more for each call that waits: only who listens uses it.
      if (!uris) return answered();
      try {
        return await news.during({ asker: { ...ofPool, principal }, uris }, answered);
      } catch (error) {
        return Response.json({ jsonrpc: '2.0', id: (body as WireMessage).id, error: refusalOf(error) });
      }
    },
    openCalls: calls.count,
    refusedCalls: calls.refused,
    endWaits: calls.endWaits,
    stop: () => since2026.close(),
  };
}

/** The SDKs want to read both types in `Accept`; a client that takes anything, or says nothing, takes both. */
function takingBoth(request: Request): Request {
  const accept = request.headers.get('accept') ?? '*/*';
  if (!/\*\/\*/.test(accept)) return request;
  const headers = new Headers(request.headers);
  headers.set('accept', `${accept}, application/json, text/event-stream`);
  return new Request(request.url, { method: request.method, headers, signal: request.signal });
}

/** The pages are where the request has come. */
const pageAt =
  ({ url }: Request) =>
  async (runId: string) =>
    new URL(`/runs/${runId}`, url).href;

const traceOf = ({ headers }: Request): TraceHeaders => ({
  traceparent: headers.get('traceparent'),
  tracestate: headers.get('tracestate'),
});

const userAgentOf = (request: Request) => request.headers.get('user-agent') ?? undefined;
