import type { Runner, RunRequest } from '../shared/runners/runner.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Ours, or such as make a CLI think that it runs inside another one. */
const NOT_PASSED_ON =
  /^(AGENTPOOL_|REDIS_URL$|CLAUDE|OPENCODE|KILO_PID$|GEMINI_CLI$|QWEN_CODE$|CODEX_SANDBOX|npm_|INIT_CWD$|NODE_OPTIONS$)/;
/** Configuration that an operator sets on purpose, although the name looks like the nesting marks above. */
const PASSED_ON =
  /^(CLAUDE_CONFIG_DIR|CLAUDE_CODE_(USE_\w+|OAUTH_TOKEN|MAX_RETRIES|MAX_OUTPUT_TOKENS|SKIP_\w+|TMPDIR)|OPENCODE_(CONFIG\w*|DISABLE_\w+|PERMISSION))$/;

/** The worker's environment without its own secrets and without what a CLI would take for an outer session. */
export function baseEnvironment(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && (PASSED_ON.test(entry[0]) || !NOT_PASSED_ON.test(entry[0])),
    ),
  );
}

/**
 * The environment of a program: the worker's, with what its runner adds. A value `$NAME` is the worker's own variable
 * of that name. Answers the names that the worker does not have instead of guessing.
 */
export function programEnvironment(
  runner: Runner,
  request: RunRequest,
  env: Env,
): { env: Record<string, string>; missing: string[] } {
  const missing = new Set<string>();
  const added = Object.entries(runner.env?.(request) ?? {}).map(([name, value]) => {
    const [, plain, braced] = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})$/.exec(value) ?? [];
    const reference = plain ?? braced;
    if (reference === undefined) return [name, value] as const;
    const resolved = Object.hasOwn(env, reference) ? env[reference] : undefined;
    if (resolved === undefined) missing.add(reference);
    return [name, resolved ?? ''] as const;
  });
  return { env: { ...baseEnvironment(env), ...Object.fromEntries(added) }, missing: [...missing] };
}
