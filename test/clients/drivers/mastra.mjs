// Mastra.
import { MCPClient } from '@mastra/mcp';

let opened = 0;

export async function open({ command, args, env }) {
  opened += 1;
  const client = new MCPClient({ id: `agentpool-${opened}`, servers: { agentpool: { command, args, env } } });
  const tools = await client.listTools();
  return {
    list: async () => Object.keys(tools).map((name) => name.replace(/^agentpool_/, '')),
    call: (name, args_) => tools[`agentpool_${name}`].execute(args_, {}),
    close: () => client.disconnect(),
  };
}
