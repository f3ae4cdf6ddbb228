// The SDK of protocol 2026-07-28, which asks a server what it speaks; over HTTP where there is an address.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const transportTo = ({ command, args, env, url, headers }) =>
  url === undefined
    ? new StdioClientTransport({ command, args, env })
    : new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });

export async function open(target) {
  const client = new Client({ name: 'sdk-2', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(transportTo(target));
  return {
    list: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, args_) => client.callTool({ name, arguments: args_ }),
    close: () => client.close(),
  };
}
