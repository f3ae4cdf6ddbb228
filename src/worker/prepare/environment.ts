import { replaceReferences } from '../../shared/agents/profile.js';
import type { McpServer } from '../../shared/run.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Ours, or such as make a CLI think that it runs inside another one. */
const NOT_PASSED_ON =
  /^(AGENTPOOL_|REDIS_(URL|PASSWORD)(_FILE)?$|REDIS_(SENTINEL|TLS)_|CLAUDE|(OPENCODE|KILO)(_PID|_CLIENT|_TERMINAL|_WORKSPACE_ID|_SERVER_\w+)?$|GEMINI_CLI$|QWEN_CODE$|CODEX_SANDBOX|npm_|INIT_CWD$|NODE_OPTIONS$)/;
/** Configuration that an operator sets on purpose, although the name looks like the nesting marks above. */
const PASSED_ON =
  /^(CLAUDE_CONFIG_DIR|CLAUDE_CODE_(USE_\w+|OAUTH_TOKEN|MAX_RETRIES|MAX_OUTPUT_TOKENS|SKIP_\w+|TMPDIR))$/;

/** The worker's environment without its own secrets and without what a CLI would take for an outer session. */
export function baseEnvironment(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && (PASSED_ON.test(entry[0]) || !NOT_PASSED_ON.test(entry[0])),
    ),
  );
}

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

/**
 * The environment of a program: the worker's, what its runner gives as it is, and what is added. There a value `$NAME`, or
 * `${NAME}` within a longer one, is the worker's own variable of that name. Answers the names that the worker does not
 * have instead of guessing.
 */
export function programEnvironment(
  added: Readonly<Record<string, string>>,
  env: Env,
  given: Readonly<Record<string, string>> = {},
): { env: Record<string, string>; missing: string[] } {
  const missing = new Set<string>();
  return { env: { ...baseEnvironment(env), ...given, ...resolveAll(added, env, missing) }, missing: [...missing] };
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
