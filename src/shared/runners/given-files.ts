import { join } from 'node:path';
import type { McpServer } from '../run.js';
import type { ConfigFile, ProgramInput } from './runner.js';

/** Where a file of a run will be, for its argument or variable. */
export const pathOf = ({ filesDirectory }: ProgramInput, name: string): string => join(filesDirectory, name);

/** The arguments or variables for something that a request may lack. */
export const ifGiven = <Given, Part>(given: Given | undefined, make: (given: Given) => readonly Part[]) =>
  given === undefined ? [] : make(given);

export const jsonFile = (name: string, content: unknown): ConfigFile => ({
  name,
  content: `${JSON.stringify(content, null, 2)}\n`,
});

/** A file with the system prompt of a profile; none without one. */
export const systemPromptFile = ({ systemPrompt }: ProgramInput, name: string) =>
  ifGiven(systemPrompt, (content): ConfigFile[] => [{ name, content }]);

/** A file with MCP servers as `serversAs` returns them; none without any. */
export const serversFile = (mcpServers: Readonly<Record<string, unknown>> | undefined, name: string) =>
  ifGiven(mcpServers, (given) => [jsonFile(name, { mcpServers: given })]);

/** The MCP servers of a profile in the form of a CLI, by name; undefined without any. */
export function serversAs<Program, Remote>(
  { mcpServers }: ProgramInput,
  form: { program: (server: McpProgram) => Program; remote: (server: McpRemote) => Remote },
): Record<string, Program | Remote> | undefined {
  if (!mcpServers || Object.keys(mcpServers).length === 0) return undefined;
  const entries = Object.entries(mcpServers).map(([name, server]) => {
    if ('command' in server) {
      const { command, args = [], env = {} } = server;
      return [name, form.program({ command, args, env })] as const;
    }
    const { type = 'http', url, headers = {} } = server;
    return [name, form.remote({ type, url, headers })] as const;
  });
  return Object.fromEntries(entries);
}

export type McpProgram = {
  readonly [Key in 'command' | 'args' | 'env']-?: Exclude<Extract<McpServer, { command: string }>[Key], undefined>;
};
export type McpRemote = {
  readonly [Key in 'type' | 'url' | 'headers']-?: Exclude<Extract<McpServer, { url: string }>[Key], undefined>;
};
