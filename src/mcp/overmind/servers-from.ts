import { z } from 'zod';
import type { AgentProfile } from '../../shared/agents/profile.js';
import { secretsIn } from '../../shared/agents/secrets.js';
import type { Needs } from './references.js';
import type { WorkspaceAgent } from './workspace.js';

const texts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String));
const program = z.object({ command: z.string().min(1), args: z.array(z.string()).optional(), env: texts.optional() });
const address = z.object({ type: z.enum(['http', 'sse']).optional(), url: z.string(), headers: texts.optional() });
type Servers = NonNullable<AgentProfile['mcpServers']>;

/** The MCP servers of an agent with secrets as references; what cannot be stored is left out, and `note` is told. */
export function serversFrom(
  { mcpServers: { file, servers } }: WorkspaceAgent,
  needs: Needs,
  note: (text: string) => void,
): Servers {
  const found = Object.entries(servers).flatMap(([name, given]): [string, Servers[string]][] => {
    const local = program.safeParse(given);
    const remote = address.safeParse(given);
    const where = `mcpServers.${name}`;
    const server: Servers[string] | undefined = local.success
      ? { ...local.data, env: needs.keepAll(local.data.env ?? {}, file, [name], `${where}.env`) }
      : remote.success
        ? { ...remote.data, headers: needs.keepAll(remote.data.headers ?? {}, file, [name], `${where}.headers`) }
        : undefined;
    const hides = server ? secretsIn({ mcpServers: { [name]: server } }) : [];
    if (!server) note(`${file}, ${where}: neither { command, args, env } nor { url, headers }; left out`);
    if (hides.length > 0)
      note(`${file}, ${hides.join(', ')}: holds a secret where everybody sees it; the server is left out`);
    return server && hides.length === 0 ? [[name, server]] : [];
  });
  return Object.fromEntries(found);
}
