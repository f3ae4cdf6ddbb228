// LangChain's adapters.
import { MultiServerMCPClient } from '@langchain/mcp-adapters';

export async function open({ command, args, env }) {
  const client = new MultiServerMCPClient({
    throwOnLoadError: true,
    prefixToolNameWithServerName: false,
    mcpServers: { agentpool: { transport: 'stdio', command, args, env } },
  });
  const tools = await client.getTools();
  return {
    list: async () => tools.map(({ name }) => name),
    call: (name, args_) => tools.find((tool) => tool.name === name).invoke(args_),
    close: () => client.close(),
  };
}
