// The SDK of the protocol up to 2025-11-25, its oldest and its newest; over HTTP where there is an address.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

async function transportTo({ command, args, env, url, headers }) {
  if (url === undefined) return new StdioClientTransport({ command, args, env });
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
}

export async function open(target) {
  const client = new Client({ name: 'sdk', version: '1' }, { capabilities: {} });
  await client.connect(await transportTo(target));
  return {
    list: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, args) => client.callTool({ name, arguments: args }),
    close: () => client.close(),
  };
}
