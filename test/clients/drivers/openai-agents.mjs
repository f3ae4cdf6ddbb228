// OpenAI's Agents SDK.
import { MCPServerStdio } from '@openai/agents';

export async function open({ command, args, env }) {
  const server = new MCPServerStdio({ name: 'agentpool', command, args, env, cacheToolsList: true });
  await server.connect();
  return {
    list: async () => (await server.listTools()).map(({ name }) => name),
    call: (name, args_) => server.callTool(name, args_),
    close: () => server.close(),
  };
}
