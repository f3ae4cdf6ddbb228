// mcp-use.
import { MCPClient } from 'mcp-use/client';

export async function open({ command, args, env }) {
  const client = MCPClient.fromDict({ mcpServers: { agentpool: { command, args, env } } });
  const session = await client.createSession('agentpool');
  return {
    list: async () => (await session.listTools()).map(({ name }) => name),
    call: (name, args_) => session.callTool(name, args_),
    close: () => client.closeAllSessions(),
  };
}
