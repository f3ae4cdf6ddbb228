import { join } from 'node:path';

/** How a client reaches this pool. */
export type Way =
  | {
      readonly kind: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      /** What the server has to find in its environment: clients give it little of theirs. */
      readonly env?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'http'; readonly url: string; readonly credential: Credential };

/** A variable in the client's environment that holds the token; or the token itself. */
export type Credential = { readonly variable: string } | { readonly token: string };

/** What a client is told of one MCP server: the members that are ours in its entry. */
export type Entry = Readonly<Record<string, string | boolean | readonly string[] | Readonly<Record<string, string>>>>;

export interface ConnectableClient {
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** The file that has its MCP servers. */
  /** The file is part of a project and may be committed, so no token belongs into it. */
  readonly isShared?: boolean;
  readonly file: (place: { home: string; cwd: string; env: Readonly<Record<string, string | undefined>> }) => string;
  /** The member of that file under which they are, by their names. */
  readonly servers: string;
  readonly entry: (way: Way) => Entry;
}

/** What any of the clients calls a part of the way to a server; one that is not of the way asked for is taken out. */
export const OUR_MEMBERS = [
  'type',
  'command',
  'args',
  'url',
  'httpUrl',
  'headers',
  'http_headers',
  'bearer_token_env_var',
];

/** How every client is told of a program. */
const program = ({ command, args, env }: Way & { kind: 'stdio' }) => ({ command, args, ...(env && { env }) });

/** `reference` is how the client writes a variable of its environment. */
const headers = (credential: Credential, reference: (name: string) => string) => {
  const secret = 'token' in credential ? credential.token : reference(credential.variable);
  return { headers: { Authorization: `Bearer ${secret}` } };
};

/** Codex begins its first turn without the tools of a server that it does not have to wait for. */
const WAITED_FOR = { required: true };

/** Codex has a member of its own for a variable. */
const codexCredential = (credential: Credential) => {
  if ('variable' in credential) return { bearer_token_env_var: credential.variable };
  return { http_headers: { Authorization: `Bearer ${credential.token}` } };
};

/** The clients that `agentpool connect` knows; the names are what a person types. */
export const CONNECTABLE_CLIENTS: Readonly<Record<string, ConnectableClient>> = {
  claude: {
    title: 'Claude Code',
    format: 'json',
    isShared: true,
    file: ({ cwd }) => join(cwd, '.mcp.json'),
    servers: 'mcpServers',
    entry: (way) =>
      way.kind === 'stdio'
        ? program(way)
        : { type: 'http', url: way.url, ...headers(way.credential, (name) => `\${${name}}`) },
  },
  codex: {
    title: 'Codex',
    format: 'toml',
    file: ({ home, env }) => join(env.CODEX_HOME || join(home, '.codex'), 'config.toml'),
    servers: 'mcp_servers',
    entry: (way) =>
      way.kind === 'stdio' ? { ...program(way), ...WAITED_FOR } : { url: way.url, ...codexCredential(way.credential) },
  },
  cursor: {
    title: 'Cursor',
    format: 'json',
    file: ({ home }) => join(home, '.cursor', 'mcp.json'),
    servers: 'mcpServers',
    entry: (way) =>
      way.kind === 'stdio' ? program(way) : { url: way.url, ...headers(way.credential, (name) => `\${env:${name}}`) },
  },
  vscode: {
    title: 'VS Code',
    format: 'json',
    isShared: true,
    file: ({ cwd }) => join(cwd, '.vscode', 'mcp.json'),
    servers: 'servers',
    entry: (way) =>
      way.kind === 'stdio'
        ? { type: 'stdio', ...program(way) }
        : { type: 'http', url: way.url, ...headers(way.credential, (name) => `\${env:${name}}`) },
  },
  gemini: {
    title: 'Gemini CLI',
    format: 'json',
    file: ({ home }) => join(home, '.gemini', 'settings.json'),
    servers: 'mcpServers',
    entry: (way) =>
      way.kind === 'stdio' ? program(way) : { httpUrl: way.url, ...headers(way.credential, (name) => `$${name}`) },
  },
};
