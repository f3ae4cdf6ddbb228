// OpenAI's Agents SDK.
import { MCPServerStdio } from '@openai/agents';

export async function open({ command, args, env }) {
  // By default it gives a call 5 s, which a busy machine may need to start the server alone.
  const options = { cacheToolsList: true, clientSessionTimeoutSeconds: 60 };
  const server = new MCPServerStdio({ name: 'agentpool', command, args, env, ...options });
  await server.connect();
  return {
    list: async () => (await server.listTools()).map(({ name }) => name),
    call: (name, args_) => server.callTool(name, args_),
    close: () => server.close(),
  };
}
