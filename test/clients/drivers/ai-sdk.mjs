// Vercel's AI SDK.
import { createMCPClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';

export async function open({ command, args, env }) {
  const client = await createMCPClient({ transport: new StdioTransport({ command, args, env }) });
  const tools = await client.tools();
  return {
    list: async () => Object.keys(tools),
    call: (name, args_) => tools[name].execute(args_, { toolCallId: '1', messages: [] }),
    close: () => client.close(),
  };
}
