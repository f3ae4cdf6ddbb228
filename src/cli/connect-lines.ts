import { realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { inShell } from '../shared/allowed-directories.js';
import type { Config } from '../shared/config/load.js';
import { defaultHome } from '../shared/config/sources.js';
import { ownCommand } from './pool-process.js';

/** The shortest command that starts the MCP server: `agentpool mcp` where that is us, else with full paths. */
export function mcpCommand(): { command: string; args: string[] } {
  const { command, args } = ownCommand();
  const script = realpathOrNothing(process.argv[1] ?? '');
  const installed = (process.env.PATH ?? '').split(delimiter).some((dir) => {
    const found = realpathOrNothing(join(dir, 'agentpool'));
    return found !== undefined && found === script && !dir.includes('node_modules');
  });
  return installed ? { command: 'agentpool', args: ['mcp'] } : { command, args: [...args, 'mcp'] };
}

function realpathOrNothing(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/**
 * What the server has to find in its environment: clients give it little of theirs, neither AGENTPOOL_HOME nor what else
 * says where that is, and it would bring up a second pool.
 */
export function serverEnv({ home }: Pick<Config, 'home'>): { env?: Record<string, string> } {
  return home === defaultHome({ HOME: process.env.HOME }) ? {} : { env: { AGENTPOOL_HOME: home } };
}

/** One line for each client that connects it to this pool. */
export function connectLines({ env }: { env?: Readonly<Record<string, string>> }): { client: string; line: string }[] {
  const { command, args } = mcpCommand();
  const set = Object.entries(env ?? {}).map(([name, value]) => `${name}=${inShell(value)}`);
  const options = (option: string) => set.map((one) => ` ${option} ${one}`).join('');
  const shell = [command, ...args].map(inShell).join(' ');
  const entry = { command, args, ...(env && { env }) };
  return [
    { client: 'Claude Code', line: `claude mcp add agentpool${options('-e')} -- ${shell}` },
    { client: 'Codex', line: `codex mcp add agentpool${options('--env')} -- ${shell}` },
    { client: 'VS Code', line: `code --add-mcp '${JSON.stringify({ name: 'agentpool', ...entry })}'` },
    { client: 'Cursor', line: `~/.cursor/mcp.json: {"mcpServers":{"agentpool":${JSON.stringify(entry)}}}` },
  ];
}
