import { realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
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

/** One line for each client that connects it to this pool. */
export function connectLines(): { client: string; line: string }[] {
  const { command, args } = mcpCommand();
  const shell = [command, ...args].map((part) => (/^[\w./-]+$/.test(part) ? part : `'${part}'`)).join(' ');
  const json = JSON.stringify({ command, args });
  return [
    { client: 'Claude Code', line: `claude mcp add agentpool -- ${shell}` },
    { client: 'Codex', line: `codex mcp add agentpool -- ${shell}` },
    { client: 'VS Code', line: `code --add-mcp '${JSON.stringify({ name: 'agentpool', command, args })}'` },
    { client: 'Cursor', line: `~/.cursor/mcp.json: {"mcpServers":{"agentpool":${json}}}` },
  ];
}
