import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { bindUntil2025 } from './bindings/until-2025.js';
import type { Connection } from './surface.js';

/** Answers one request of protocol 2025-11-25 or before, by itself. */
export async function answerUntil2025(request: Request, body: unknown, connection: Connection): Promise<Response> {
  const server = bindUntil2025(connection);
  const transport = new WebStandardStreamableHTTPServerTransport({});
  // Nobody can come back for the answer, so whoever hangs up has given up.
  request.signal.addEventListener('abort', () => void server.close());
  await server.connect(transport);
  return transport.handleRequest(request, { parsedBody: body });
}
