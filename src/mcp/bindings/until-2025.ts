import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  type ListToolsResult,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import {
  answerCall,
  CAPABILITIES,
  type Connection,
  describeTools,
  noSuchTool,
  SERVER_INFO,
  SERVER_OPTIONS,
} from '../surface.js';
import { offerPrompts, offerResources, offerSubscriptions } from './until-2025-resources.js';

/** The surface for protocol 2025-11-25 and before, with the SDK of that time. */
export function bindUntil2025(connection: Connection): Server {
  const { lasting = false } = connection;
  const server = new Server(SERVER_INFO, {
    ...SERVER_OPTIONS,
    capabilities: { ...CAPABILITIES, resources: lasting ? { subscribe: true } : {} },
  });
  server.setRequestHandler(ListToolsRequestSchema, (): ListToolsResult => ({ tools: describeTools() }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra): Promise<CallToolResult> => {
    const progressToken = params._meta?.progressToken;
    const answer = await answerCall(connection, {
      name: params.name,
      args: params.arguments,
      clientName: server.getClientVersion()?.name,
      signal: extra.signal,
      notify:
        progressToken === undefined
          ? undefined
          : (progress, message) =>
              extra.sendNotification({
                method: 'notifications/progress',
                params: { progressToken, progress, message },
              }),
    });
    if (!answer) throw new McpError(ErrorCode.InvalidParams, noSuchTool(params.name));
    return answer;
  });
  offerPrompts(server);
  offerResources(server, connection);
  if (lasting) offerSubscriptions(server, connection);
  return server;
}
