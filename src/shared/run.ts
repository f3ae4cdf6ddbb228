import type { RunState } from './run-state.js';
import type { TraceContext } from './traces/trace-context.js';

/** Why a run failed. The kinds are public API: callers branch on them. */
export const FAILURE_KINDS = [
  'auth', // the CLI's provider refused the credentials
  'rate_limit', // the provider refused for now
  'agent', // the CLI itself reported an error
  'exit', // it ended with a code other than 0 and said no more
  'signal', // a signal ended it that did not come from us
  'incomplete', // it ended with 0 but never reported the end of its work
  'not_installed', // the worker has no such program
  'not_executable', // the program is there and could not be started
  'invalid_request', // the worker cannot carry out what was asked
  'path_not_allowed', // the working directory is outside of AGENTPOOL_ALLOWED_PATHS, or is not a directory
  'spool', // the worker's disk refused the run's files
  'time_limit', // with state timed_out
  'silence_limit', // with state timed_out
  'lost', // the program vanished, or its host did
] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
}

/** Tokens and money as far as the CLI tells them, for this run alone. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly costUsd?: number;
}

export const KILL_SIGNALS = ['TERM', 'INT', 'KILL'] as const;
/** The default time between the first signal and SIGKILL (ms). */
export const KILL_GRACE_MS = 5_000;
export type KillSignal = (typeof KILL_SIGNALS)[number];

/** A request, not a fact: a kill of the run was requested. Times are milliseconds by the clock of Redis. */
export interface KillRequest {
  readonly requestedAt: number;
  readonly signal: KillSignal;
  readonly graceMs: number;
  readonly reason?: string;
}

/** An MCP server for an agent program: a program on the worker's host, or a URL. `$NAME` in a value is a worker's variable. */
export type McpServer =
  | {
      readonly command: string;
      readonly args?: readonly string[] | undefined;
      readonly env?: Readonly<Record<string, string>> | undefined;
    }
  | {
      readonly type?: 'http' | 'sse' | undefined;
      readonly url: string;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    };

/** What the stored profile of an agent adds to a run, as it was when the run was submitted. */
export interface AgentSetup {
  readonly systemPrompt?: string;
  /** Literals, or `$NAME`: a variable of the worker's environment, resolved there only. */
  readonly env?: Readonly<Record<string, string>>;
  readonly mcpServers?: Readonly<Record<string, McpServer>>;
  /** By variable: further values, tried in order when the provider refuses the ones before. */
  readonly fallbacks?: Readonly<Record<string, readonly string[]>>;
}

/** What a worker has to know of a program that another one has started, and that the program itself must not decide. */
export interface LaunchFacts {
  /** Of what is stored by the release that started it. */
  readonly form?: number;
  readonly path: string;
  /** HOME of the program: its sessions live there. */
  readonly home: string;
  readonly timeoutMs: number;
  readonly silenceTimeoutMs: number;
  /** Of the first attempt (ms since boot). */
  readonly startedUptimeMs: number;
  /** How many tries the fallbacks of its agent make; absent: one. */
  readonly attempts?: number;
}

/** Why the provider does not answer a program for now, as reported by the program. */
export interface ProviderLimit {
  readonly message: string;
  /** Of the tries that the program makes by itself, from 1. */
  readonly attempt?: number;
  readonly of?: number;
  /** From when it was told on (ms). */
  readonly retryAfterMs?: number;
  /** Milliseconds since the epoch, by the provider's clock. */
  readonly resetsAt?: number;
}

/** Which of its agent's values for some variables a run uses: those of the first try, or further ones. */
export interface Credentials {
  /** From 1. */
  readonly attempt: number;
  readonly of: number;
  /** The names of the variables, never their values. */
  readonly variables: readonly string[];
}

/** Words of a caller on a run or an agent, such as `ticket=4711`, by which runs are found again. */
export type Labels = Readonly<Record<string, string>>;

/** How many labels a run or an agent may have; each needs an index. */
export const MOST_LABELS = 16;
/** What the key of a label may look like, and its value. */
export const LABEL_KEY = /^[A-Za-z][\w./-]{0,62}$/;
export const LABEL_VALUE = /^\P{Cc}{1,128}$/u;

/** The stored request of a run, including what the agent's profile adds; it never changes after the run was created. */
export interface RunRequest {
  readonly runner: string;
  readonly agentName: string;
  readonly prompt: string;
  /** The session to resume. */
  readonly sessionId?: string;
  readonly mode?: string;
  readonly model?: string;
  /** The working directory on the worker's host, absolute. */
  readonly path?: string;
  /** A person has started the client in this directory of its host: there the run may work in it, and does without a path. */
  readonly clientDirectory?: string;
  readonly timeoutMs?: number;
  readonly silenceTimeoutMs?: number;
  readonly priority?: number;
  readonly delayMs?: number;
  readonly host?: string;
  /** Labels that its worker must have: `gpu`, `repo=web`. */
  readonly requires?: readonly string[];
  readonly setup?: AgentSetup;
  readonly labels?: Labels;
  /** The name of who submits it; absent: LOCAL's. */
  readonly principal?: string;
}

/** The record of a run without its prompt, result and output. Times are Redis server milliseconds. */
export interface Run {
  readonly id: string;
  /** The name of who submitted it. */
  readonly principal: string;
  readonly runner: string;
  readonly agentName: string;
  readonly state: RunState;
  readonly queue: string;
  /** Rises with every claim and take-over; a writer with an older one is refused. */
  readonly epoch: number;
  readonly host?: string;
  readonly worker?: string;
  /** The last attempt whose program may have been given the prompt, from 1; absent: none. */
  readonly launched?: number;
  /** With what that attempt was started; absent before, and in records of older releases. */
  readonly launchFacts?: LaunchFacts;
  readonly pid?: number;
  readonly sessionId?: string;
  /** The session that was to be resumed; `sessionId` is the one that the program uses. */
  readonly resumes?: string;
  readonly mode?: string;
  readonly model?: string;
  readonly path?: string;
  readonly promptBytes: number;
  readonly labels?: Labels;
  /** Where in a trace it was submitted; absent where its submitter tells no traces. */
  readonly trace?: TraceContext;
  /** Labels that its worker must have; by them it has its queue. */
  readonly requires?: readonly string[];
  /** Why a queued run is not started yet, where that is not its place in the queue. */
  readonly waitReason?: string;
  /** Its program waits for the provider, since `limitedAt`. */
  readonly limit?: ProviderLimit;
  readonly limitedAt?: number;
  /** Absent: its agent has one value for each variable. */
  readonly credentials?: Credentials;
  readonly exitCode?: number;
  readonly failure?: Failure;
  readonly usage?: Usage;
  readonly kill?: KillRequest;
  readonly queuedAt: number;
  readonly claimedAt?: number;
  readonly startedAt?: number;
  readonly lastOutputAt?: number;
  /** When its owner was last found to be silent. */
  readonly orphanedAt?: number;
  readonly endedAt?: number;
  /** When its end was recorded; a run may end while no worker is watching. */
  readonly endRecordedAt?: number;
  readonly outBytes: number;
  readonly errBytes: number;
  /** Lines that have ended, of both streams. */
  readonly lines: number;
  readonly droppedBytes: number;
  /** Its output and its prompt were let go before their time, since all ended runs together had too much. */
  readonly letGo?: true;
}

/** What an agent name may look like. */
export const AGENT_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** A session id or the name of a model: it becomes an argument of a program, and with a dash first an option. */
export const WORD = /^(?!-)\P{Cc}{1,256}$/u;
