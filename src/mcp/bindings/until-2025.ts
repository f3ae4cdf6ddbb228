import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  type CreateTaskResult,
  ErrorCode,
  ListToolsRequestSchema,
  type ListToolsResult,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { showsApps } from '../app/run-app.js';
import {
  answerCall,
  CAPABILITIES,
  type Connection,
  describeTools,
  noSuchTool,
  optionsFor,
  SERVER_INFO,
} from '../surface.js';
import { TASK_TOOL } from '../tasks.js';
import { offerPrompts, offerResources, offerSubscriptions } from './until-2025-resources.js';
import { asTask, checkTask, offerTasks, TASK_EXECUTION, TASKS_CAPABILITY } from './until-2025-tasks.js';

/** The surface for protocol 2025-11-25 and before, with the SDK of that time. */
export function bindUntil2025(connection: Connection): Server {
  const { lasting = false, config } = connection;
  const tasks = config.mcpTasks;
  const server = new Server(SERVER_INFO, {
    ...optionsFor(connection),
    capabilities: {
      ...CAPABILITIES,
      resources: lasting ? { subscribe: true } : {},
      ...(tasks && { tasks: TASKS_CAPABILITY }),
    },
  });
  server.setRequestHandler(
    ListToolsRequestSchema,
    (): ListToolsResult => ({
      tools: describeTools(showsApps(server.getClientCapabilities())).map((tool) =>
        tasks && tool.name === TASK_TOOL ? { ...tool, execution: TASK_EXECUTION } : tool,
      ),
    }),
  );
  server.setRequestHandler(
    CallToolRequestSchema,
    async ({ params }, extra): Promise<CallToolResult | CreateTaskResult> => {
      if (params.task) checkTask(params.name);
      const answer = await answerCall(connection, {
        name: params.name,
        args: params.arguments,
        meta: params._meta,
        clientName: server.getClientVersion()?.name,
        signal: extra.signal,
        notify: (notification) => extra.sendNotification(notification),
      });
      if (!answer) throw new McpError(ErrorCode.InvalidParams, noSuchTool(params.name));
      return params.task ? asTask(connection, answer) : answer;
    },
  );
  offerPrompts(server);
  offerResources(server, connection);
  if (tasks) offerTasks(server, connection);
  if (lasting) offerSubscriptions(server, connection);
  return server;
}
