import { join } from 'node:path';

/** How a client reaches this pool. */
export type Way =
  | { readonly kind: 'stdio'; readonly command: string; readonly args: readonly string[] }
  /** `tokenEnv` names the variable, in the client's environment, that holds its token. */
  | { readonly kind: 'http'; readonly url: string; readonly tokenEnv: string | undefined };

/** What a client is told of one MCP server: the members that are ours in its entry. */
export type Entry = Readonly<Record<string, string | readonly string[] | Readonly<Record<string, string>>>>;

export interface ConnectableClient {
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** The file that has its MCP servers. */
  readonly file: (place: { home: string; cwd: string; env: Readonly<Record<string, string | undefined>> }) => string;
  /** The member of that file under which they are, by their names. */
  readonly servers: string;
  readonly entry: (way: Way) => Entry;
}

/** What any of the clients calls a part of the way to a server; one that is not of the way asked for is taken out. */
export const OUR_MEMBERS = ['type', 'command', 'args', 'url', 'httpUrl', 'headers', 'bearer_token_env_var'];

/** `reference` is how the client writes a variable of its environment, so that no token gets into the file. */
const headers = (tokenEnv: string | undefined, reference: (name: string) => string) =>
  tokenEnv === undefined ? {} : { headers: { Authorization: `Bearer ${reference(tokenEnv)}` } };

/** The clients that `agentpool connect` knows; the names are what a person types. */
export const CONNECTABLE_CLIENTS: Readonly<Record<string, ConnectableClient>> = {
  claude: {
    title: 'Claude Code',
    format: 'json',
    file: ({ cwd }) => join(cwd, '.mcp.json'),
    servers: 'mcpServers',
    entry: (way) =>
      way.kind === 'stdio'
        ? { command: way.command, args: way.args }
        : { type: 'http', url: way.url, ...headers(way.tokenEnv, (name) => `\${${name}}`) },
  },
  codex: {
    title: 'Codex',
    format: 'toml',
    file: ({ home, env }) => join(env.CODEX_HOME || join(home, '.codex'), 'config.toml'),
    servers: 'mcp_servers',
    entry: (way) =>
      way.kind === 'stdio'
        ? { command: way.command, args: way.args }
        : { url: way.url, ...(way.tokenEnv !== undefined && { bearer_token_env_var: way.tokenEnv }) },
  },
  cursor: {
    title: 'Cursor',
    format: 'json',
    file: ({ home }) => join(home, '.cursor', 'mcp.json'),
    servers: 'mcpServers',
    entry: (way) =>
      way.kind === 'stdio'
        ? { command: way.command, args: way.args }
        : { url: way.url, ...headers(way.tokenEnv, (name) => `\${env:${name}}`) },
  },
  vscode: {
    title: 'VS Code',
    format: 'json',
    file: ({ cwd }) => join(cwd, '.vscode', 'mcp.json'),
    servers: 'servers',
    entry: (way) =>
      way.kind === 'stdio'
        ? { type: 'stdio', command: way.command, args: way.args }
        : { type: 'http', url: way.url, ...headers(way.tokenEnv, (name) => `\${env:${name}}`) },
  },
  gemini: {
    title: 'Gemini CLI',
    format: 'json',
    file: ({ home }) => join(home, '.gemini', 'settings.json'),
    servers: 'mcpServers',
    entry: (way) =>
      way.kind === 'stdio'
        ? { command: way.command, args: way.args }
        : { httpUrl: way.url, ...headers(way.tokenEnv, (name) => `$${name}`) },
  },
};
