/**
 * What can go wrong, for tools, HTTP, pages and the command line alike: what each code means, and what to do about it where
 * the message does not say better. The codes are public API: callers branch on them. There are no others.
 */
export const ERRORS = {
  invalid_argument: {
    means: 'An argument is missing, or has a value that is not allowed.',
    hint: 'Correct what the message names.',
  },
  invalid_agent: {
    means: 'The profile of an agent has a mistake.',
    hint: 'Correct the profile; config_example (agentpool agents example) shows a correct one.',
  },
  unknown_run: {
    means: 'There is no such run, or it belongs to another principal.',
    hint: 'list_runs (agentpool runs) shows the runs there are.',
  },
  no_longer_kept: {
    means: 'The run is known, but the requested part of it is no longer stored.',
    hint: 'AGENTPOOL_OUTPUT_RETENTION_MS and AGENTPOOL_MAX_KEPT_BYTES say how long.',
  },
  ambiguous_run: {
    means: 'Several run ids begin like this.',
    hint: 'Give more of the id.',
  },
  unknown_agent: {
    means: 'No agent of that name is stored, or no run has that agent name.',
    hint: 'list_agents (agentpool agents list) shows the agents there are.',
  },
  unknown_runner: {
    means: 'There is no runner of that name.',
    hint: 'pool_status (agentpool workers) shows the runners there are.',
  },
  unknown_session: {
    means: 'There is no such session, or it belongs to another principal.',
    hint: 'Use the sessionId of a run of yours, or autoResume.',
  },
  unknown_provider: {
    means: 'There is no example for a provider of that name.',
    hint: 'config_example (agentpool agents example) names the providers there are.',
  },
  newer_release: {
    means: 'What is stored was written by a newer release.',
    hint: 'Update this agentpool: a newer release has stored what it should read.',
  },
  agent_exists: {
    means: 'An agent of that name is stored already.',
    hint: 'Choose another name.',
  },
  changed_meanwhile: {
    means: 'It has been changed since it was read.',
    hint: 'Read it again, then change it.',
  },
  conflict: {
    means: 'Others are changing the same thing at this moment.',
    hint: 'Try again in a moment.',
  },
  secret_in_profile: {
    means: 'A profile holds what looks like a secret.',
    hint: "Give it as $NAME, and put the value into the workers' environment.",
  },
  cannot_resume: {
    means: 'This runner, or this run, has no session that can be resumed.',
    hint: 'Leave the session out.',
  },
  session_in_use: {
    means: 'Another program uses the session.',
    hint: 'Wait until the program that uses it has ended.',
  },
  prompt_too_large: {
    means: 'The prompt is longer than AGENTPOOL_MAX_PROMPT_BYTES.',
    hint: 'Put the long part into a file and name it in the prompt.',
  },
  path_not_allowed: {
    means: 'No worker is allowed to run a program in that directory.',
    hint: 'Use a directory that the workers allow.',
  },
  queue_full: {
    means: 'AGENTPOOL_MAX_QUEUE_LENGTH runs are waiting in a queue, or runs have too many different requirements.',
    hint: 'Try again when some runs have ended.',
  },
  no_workspace: {
    means: 'The directory is not an overmind workspace that can be read.',
    hint: 'Name the directory of an overmind workspace.',
  },
  no_link: {
    means: 'No server is running for which a login link could be made.',
    hint: 'Start the server first: agentpool up.',
  },
  nothing_to_trust: {
    means: 'The directory has no configuration file.',
    hint: 'Name a directory with a configuration file in it.',
  },
  config_unreadable: {
    means: 'A configuration file of a client cannot be read, so it is not changed.',
    hint: 'Repair the file by hand.',
  },
  too_many_subscriptions: {
    means: 'A client subscribes to more resources than are allowed.',
    hint: 'Unsubscribe from some.',
  },
  unauthorized: {
    means: 'The request has no valid token.',
    hint: 'Send a token of this pool: Authorization: Bearer ...',
  },
  forbidden: {
    means: 'The token lacks the scope that this needs.',
    hint: 'Ask the operator of this pool for a token with that scope.',
  },
  issuer_unreachable: {
    means: 'The issuer of tokens does not answer, so the token cannot be checked.',
    hint: 'Try again in a moment.',
  },
  wrong_host: {
    means: 'The request was made to a name that this server does not have.',
    hint: 'Use the address that this server was given, or add the name to AGENTPOOL_ALLOWED_HOSTS.',
  },
  wrong_origin: {
    means: 'The request comes from a web page of another site.',
    hint: 'Send the request from a page of this server, or not from a web page.',
  },
  too_many_requests: {
    means: 'A principal or an address sends more than AGENTPOOL_REQUESTS_PER_SECOND.',
    hint: 'Wait as long as Retry-After says.',
  },
  too_many_calls: {
    means: 'A principal has AGENTPOOL_MAX_OPEN_CALLS calls open.',
    hint: 'Wait until some of your calls have been answered.',
  },
  too_many_streams: {
    means: 'A principal has AGENTPOOL_MAX_LISTEN_STREAMS streams open.',
    hint: 'Close some of your streams.',
  },
  too_many_bytes: {
    means: 'The request bodies of a principal take more memory than AGENTPOOL_MAX_BODY_BYTES.',
    hint: 'Send it again when your other requests have been answered.',
  },
  too_many_values: {
    means: 'The JSON of a request has too many members and elements.',
    hint: 'Send less at once.',
  },
  too_many_queued: {
    means: 'A principal has queued as much as AGENTPOOL_MAX_QUEUED_RUNS or AGENTPOOL_MAX_QUEUED_BYTES allows.',
    hint: 'Wait until some have started, or kill some; the operator of this pool can raise the limit.',
  },
  unknown_host: {
    means: 'No host of that name is in the pool, or was recently.',
    hint: 'pool_status (agentpool workers) shows the hosts there are.',
  },
  host_alive: {
    means: 'A host cannot be removed while a worker of it is alive.',
    hint: 'Stop its workers first; agentpool drain waits until they have no runs.',
  },
  too_many_messages: {
    means: 'A request has too many messages.',
    hint: 'Send them in several requests.',
  },
  busy: {
    means: 'All principals together have as many calls open as one server can answer.',
    hint: 'Try again in a moment.',
  },
  stopping: {
    means: 'The server is being stopped.',
    hint: 'Try again in a moment: another server will answer, or this one will be back.',
  },
  method_not_allowed: {
    means: 'This address does not accept that HTTP method.',
    hint: 'Use a method that the Allow header names.',
  },
  not_found: {
    means: 'There is nothing at this address.',
    hint: 'Check the address.',
  },
  read_only: {
    means: 'Bull Board only shows the queues; it changes nothing.',
    hint: 'Use agentpool run and agentpool kill.',
  },
  bad_request: {
    means: 'The request is not valid HTTP.',
    hint: 'Send a correct HTTP request.',
  },
  request_too_slow: {
    means: 'The request did not arrive in time.',
    hint: 'Send the request faster.',
  },
  body_too_slow: {
    means: 'The body did not arrive within AGENTPOOL_BODY_TIMEOUT_MS.',
    hint: 'Send the body faster.',
  },
  body_too_large: {
    means: 'The body is longer than allowed.',
    hint: 'Send less.',
  },
  body_broken: {
    means: 'The connection was closed in the middle of the body.',
    hint: 'Send the request again.',
  },
  redis_unreachable: {
    means: 'Redis does not answer.',
    hint: 'Nothing is lost. Try again in a moment.',
  },
  redis_refused: {
    means: 'Redis answers, but refuses the command.',
    hint: 'Nothing is lost. Read what Redis says, and try again.',
  },
  configuration: {
    means: 'A setting is missing or has a value that is not allowed.',
    hint: 'Correct the settings that the message names.',
  },
  internal_error: {
    means: 'Something happened that should not be possible.',
    hint: 'This is a defect of agentpool; its log says more.',
  },
} as const satisfies Readonly<Record<string, { readonly means: string; readonly hint: string }>>;
export type ErrorCode = keyof typeof ERRORS;

/** The body of every error that is shown to a caller. */
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
    /** The argument that is wrong; command line, tools and library each have their own name for it. */
    readonly argument?: string,
  ) {
    super(argument === undefined ? what : `${argument}: ${what}`);
  }
}

/** The operator can fix it. Raised at start, with every problem found; the process ends with exit code 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly hint = ERRORS.configuration.hint;
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

/** Redis answers, but refuses for now: `message` has its answer, `hint` says who has to act. Exit code 69. */
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

/** The body to show for something that was thrown. An error that neither a caller nor an operator can fix is a defect. */
export function bodyOf(error: unknown): ErrorBody {
  const message = messageOf(error);
  if (error instanceof UserError) return { code: error.code, message, hint: error.hint };
  if (error instanceof UnreachableError) return { code: error.code, message, hint: error.hint };
  if (error instanceof ConfigError) return { code: 'configuration', message, hint: error.hint };
  return { code: 'internal_error', message: `agentpool failed: ${message}`, hint: ERRORS.internal_error.hint };
}
