import { replaceReferences } from '../../shared/agents/profile.js';
import type { McpServer } from '../../shared/run.js';

type Env = Readonly<Record<string, string | undefined>>;

/** A value with the worker's variables in it; those that it does not have are empty, and noted in `missing`. */
function resolve(value: string, env: Env, missing: Set<string>): string {
  return replaceReferences(value, (name) => {
    const resolved = Object.hasOwn(env, name) ? env[name] : undefined;
    if (resolved === undefined) missing.add(name);
    return resolved ?? '';
  });
}

const resolveAll = (values: Readonly<Record<string, string>>, env: Env, missing: Set<string>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, resolve(value, env, missing)]));

/** Of what the environment of a program is made. */
export interface EnvironmentParts {
  /** The environment of the worker: what `$NAME` stands for. */
  readonly worker: Env;
  /** What of it the program gets in any case. */
  readonly inherited: Readonly<Record<string, string>>;
  /** What its runner gives, as it is. */
  readonly given?: Readonly<Record<string, string>>;
  /** What is added: `$NAME`, or `${NAME}` within a longer value, is the worker's own variable of that name. */
  readonly added: Readonly<Record<string, string>>;
}

/** The environment of a program. Answers the names that the worker does not have instead of guessing. */
export function programEnvironment({ worker, inherited, given = {}, added }: EnvironmentParts): {
  env: Record<string, string>;
  missing: string[];
} {
  const missing = new Set<string>();
  return { env: { ...inherited, ...given, ...resolveAll(added, worker, missing) }, missing: [...missing] };
}

/** The MCP servers of a profile with the worker's variables in them; answers the names that the worker does not have. */
export function resolveMcpServers(
  servers: Readonly<Record<string, McpServer>>,
  env: Env,
): { resolved: Record<string, McpServer>; missing: string[] } {
  const missing = new Set<string>();
  const resolved = Object.entries(servers).map(([name, server]) => {
    if ('command' in server) return [name, { ...server, env: resolveAll(server.env ?? {}, env, missing) }] as const;
    return [name, { ...server, headers: resolveAll(server.headers ?? {}, env, missing) }] as const;
  });
  return { resolved: Object.fromEntries(resolved), missing: [...missing] };
}
