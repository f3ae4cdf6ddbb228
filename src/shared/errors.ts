/**
 * What can go wrong, for tools, HTTP, pages and the command line alike, with what to do about it where nobody knows
 * better. The codes are public API: callers branch on them. There are no others.
 */
export const ERRORS = {
  invalid_argument: 'Correct what the message names.',
  invalid_agent: 'Correct the profile; config_example (agentpool agents example) has one that is right.',
  unknown_run: 'list_runs (agentpool runs) shows the runs there are.',
  no_longer_kept: 'AGENTPOOL_OUTPUT_RETENTION_MS and AGENTPOOL_MAX_KEPT_BYTES say how long.',
  ambiguous_run: 'Give more of the id.',
  unknown_agent: 'list_agents (agentpool agents list) shows the agents there are.',
  unknown_runner: 'pool_status (agentpool workers) shows the runners there are.',
  unknown_session: 'Use the sessionId of a run of yours, or autoResume.',
  unknown_provider: 'config_example (agentpool agents example) names the providers there are.',
  newer_release: 'Update this agentpool: a newer one has stored what it was to read.',
  agent_exists: 'Choose another name.',
  changed_meanwhile: 'Look at it again, and change it then.',
  conflict: 'Try again in a moment.',
  secret_in_profile: "Give it as $NAME, and put the value into the workers' environment.",
  cannot_resume: 'Leave the session out.',
  session_in_use: 'Wait for the end of what uses it.',
  prompt_too_large: 'Put the long part into a file and name it in the prompt.',
  path_not_allowed: 'Use a directory that the workers allow.',
  queue_full: 'Try again when some runs have ended.',
  no_workspace: 'Name the directory of an overmind workspace.',
  no_link: 'Start the server first: agentpool up.',
  nothing_to_trust: 'Name a directory with a configuration file in it.',
  config_unreadable: 'Repair the file by hand.',
  too_many_subscriptions: 'Unsubscribe from some.',
  unauthorized: 'Send a token of this pool: Authorization: Bearer ...',
  forbidden: 'Ask whoever runs this pool for a token with that scope.',
  issuer_unreachable: 'Try again in a moment.',
  wrong_host: 'Use the address that this server was given, or add the name to AGENTPOOL_ALLOWED_HOSTS.',
  wrong_origin: 'Ask from a page of this server, or from no page at all.',
  too_many_requests: 'Wait as long as Retry-After says.',
  too_many_calls: 'Wait until some of your calls have been answered.',
  too_many_streams: 'Close some of your streams.',
  too_many_bytes: 'Send it again when your other requests have been answered.',
  too_many_values: 'Send less at once.',
  too_many_queued: 'Wait until some have started, or kill some; whoever runs this pool can raise the limit.',
  unknown_host: 'pool_status (agentpool workers) shows the hosts there are.',
  too_many_messages: 'Send them in several requests.',
  busy: 'Try again in a moment.',
  stopping: 'Try again in a moment: another server answers, or this one is back.',
  method_not_allowed: 'Use a method that Allow names.',
  not_found: 'Check the address.',
  read_only: 'Use agentpool run and agentpool kill.',
  bad_request: 'Send a correct HTTP request.',
  request_too_slow: 'Send the request faster.',
  body_too_slow: 'Send the body faster.',
  body_too_large: 'Send less.',
  body_broken: 'Send the request again.',
  redis_unreachable: 'Nothing is lost. Try again in a moment.',
  redis_refused: 'Nothing is lost. Look at what Redis says, and try again.',
  configuration: 'Correct the settings that the message names.',
  internal_error: 'This is a defect of agentpool; its log has more.',
} as const satisfies Readonly<Record<string, string>>;
export type ErrorCode = keyof typeof ERRORS;

/** The body of every error that anybody is shown. */
export interface ErrorBody {
  readonly code: ErrorCode;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** The caller can fix it: says what is wrong (`message`) and what to do (`hint`). */
export class UserError extends Error {
  override readonly name = 'UserError';
  constructor(
    readonly code: ErrorCode,
    /** What is wrong, without `argument`. */
    readonly what: string,
    readonly hint: string,
    /** The one of the caller's words that it is about; each door has its own name for it. */
    readonly argument?: string,
  ) {
    super(argument === undefined ? what : `${argument}: ${what}`);
  }
}

/** The operator can fix it. Raised at start, with every problem found; the process ends with exit code 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly hint = ERRORS.configuration;
  constructor(
    readonly problems: readonly string[],
    /** The port is taken: with another one it would do. */
    readonly portTaken = false,
  ) {
    super(problems.join('\n'));
  }
}

/** Redis, or a worker behind it, does not answer. Nothing is lost; the caller may ask again. Exit code 69. */
export class UnreachableError extends Error {
  override readonly name: string = 'UnreachableError';
  readonly code: 'redis_unreachable' | 'redis_refused' = 'redis_unreachable';
  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Redis answers, and refuses for now: `message` has what it said, `hint` whose turn it is. Exit code 69. */
export class RedisRefusedError extends UnreachableError {
  override readonly name = 'RedisRefusedError';
  override readonly code = 'redis_refused';
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error (`ENOENT`, ...), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What anybody is shown of something that was thrown. What is neither a caller's nor an operator's is a defect. */
export function bodyOf(error: unknown): ErrorBody {
  const message = messageOf(error);
  if (error instanceof UserError) return { code: error.code, message, hint: error.hint };
  if (error instanceof UnreachableError) return { code: error.code, message, hint: error.hint };
  if (error instanceof ConfigError) return { code: 'configuration', message, hint: error.hint };
  return { code: 'internal_error', message: `agentpool failed: ${message}`, hint: ERRORS.internal_error };
}
