import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type ListToolsResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
} from '@modelcontextprotocol/server';
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
import { offerPrompts, offerResources } from './since-2026-resources.js';
import { maybeTask, offerTasks, TASKS_CAPABILITY } from './since-2026-tasks.js';

/** Who the client says it is, in what it sends along with each request. */
function clientNameIn(envelope: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const client = envelope?.[CLIENT_INFO_META_KEY];
  return typeof client === 'object' && client !== null && 'name' in client ? String(client.name) : undefined;
}

/** What the client can do, likewise. */
const capabilitiesIn = (envelope: Readonly<Record<string, unknown>> | undefined) =>
  (envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {}) as object;

/**
 * The surface for protocol 2026-07-28, with the SDK that speaks it. `method`: the only one that will be asked; what belongs
 * to others is left out, since a server for each request keeps it for as long as its call waits.
 */
export function bindSince2026(connection: Connection, method?: string): Server {
  const tasks = connection.config.mcpTasks;
  const server = new Server(SERVER_INFO, {
    ...optionsFor(connection),
    capabilities: { ...CAPABILITIES, resources: { subscribe: true }, ...(tasks && TASKS_CAPABILITY) },
  });
  const mayBeAsked = (kind: string) => method === undefined || method.startsWith(kind);
  if (mayBeAsked('tools/')) offerTools(server, connection);
  if (mayBeAsked('prompts/')) offerPrompts(server);
  if (mayBeAsked('resources/')) offerResources(server, connection);
  if (tasks && mayBeAsked('tasks/')) offerTasks(server, connection);
  return server;
}

function offerTools(server: Server, connection: Connection): void {
  server.setRequestHandler(
    'tools/list',
    (_, { mcpReq }): ListToolsResult => ({
      tools: describeTools(showsApps(capabilitiesIn(mcpReq.envelope))),
    }),
  );
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    const answer = await answerCall(connection, {
      name: params.name,
      args: params.arguments,
      meta: mcpReq._meta,
      clientName: clientNameIn(mcpReq.envelope) ?? server.getClientVersion()?.name,
      signal: mcpReq.signal,
      notify: (notification) => mcpReq.notify(notification),
    });
    if (!answer) throw new ProtocolError(ProtocolErrorCode.InvalidParams, noSuchTool(params.name));
    return maybeTask(connection, params.name, answer, mcpReq.envelope);
  });
}
