import type { Failure, KillSignal, McpServer, ProviderLimit, Usage } from '../run.js';
import type { AgentEvent } from '../transcript/event.js';

/** What a runner is given to build its command line from. */
export interface ProgramInput {
  readonly runId: string;
  readonly prompt: string;
  /** The session to resume, or, where `resume` is false, the id that we chose for the new one. */
  readonly sessionId?: string;
  readonly resume: boolean;
  readonly mode?: string;
  readonly model?: string;
  /** The working directory, real and absolute. */
  readonly path: string;
  /** The home directory of the program, absolute. */
  readonly home: string;
  /** `auto`: tools may be used unasked; `safe`: what needs an approval is denied. */
  readonly permissions: 'auto' | 'safe';
  /** Of the agent's profile: what it is and how it shall behave. */
  readonly systemPrompt?: string;
  /** Of the agent's profile, with the values of the worker's variables in them: secrets, for files only. */
  readonly mcpServers?: Readonly<Record<string, McpServer>>;
  /** Where `files` are written, absolute; only the worker's user can look into it, and it is gone after the end. */
  readonly filesDirectory: string;
}

/** A file that a program is given, beside its prompt. */
export interface ConfigFile {
  /** A plain file name; the file is `filesDirectory/name`. */
  readonly name: string;
  readonly content: string;
  /**
   * It is `filesDirectory/folder/name` then, JSON that is merged into the user's file of that name in that folder of the
   * home directory. The rest of the folder is there as links, and `kept` are folders that a program makes to stay.
   */
  readonly over?: { readonly folder: string; readonly kept: readonly string[] };
}

/**
 * What a CLI's output tells about its run. Every field may arrive early, late or never; a later one replaces it, but
 * usage adds up.
 */
export interface Findings {
  readonly sessionId?: string;
  readonly result?: string;
  /** A piece of the result: what comes after the pieces and the `result` before it. */
  readonly resultPart?: string;
  /** The CLI's own words for what went wrong. */
  readonly error?: string;
  /** What kind of failure `error` is, where the CLI tells. */
  readonly errorKind?: Failure['kind'];
  /** The CLI goes on, but cannot succeed any more: it may be ended. */
  readonly hopeless?: boolean;
  /** The terminal event was seen. */
  readonly ended?: boolean;
  /** The provider does not answer for now, and the CLI waits; `over` when the model answers again. */
  readonly limit?: ProviderLimit | 'over';
  /** What was spent since the message before that told of it. */
  readonly usage?: Usage;
}

/** How a session is found that the output of its run tells late or never: in what the CLI itself lists. */
export interface SessionLookup {
  /** When to ask, as long as the id is not known: after the start (ms). Each is a start of the whole CLI. */
  readonly afterMs: readonly number[];
  readonly args: readonly string[];
  readonly read: (listed: string, run: RunInList) => string | undefined;
}

/** By what a run is found in a list of sessions. */
export interface RunInList {
  readonly runId: string;
  readonly pid: number;
  readonly path: string;
}

/** How a CLI's stdout is read. `read` is pure, looks at one message, and answers with what it learned. */
export type Output =
  | {
      /** `json-lines`: one JSON value a line; `json`: the whole output is one JSON value. */
      readonly format: 'json-lines' | 'json';
      readonly read: (message: unknown) => Findings | undefined;
      /**
       * What a message tells a reader; nothing where the program only keeps its books or says again what another message
       * says. Undefined: not understood, so it is shown as it is. It knows no other message, so that it can begin anywhere.
       */
      readonly events?: (message: unknown) => readonly AgentEvent[] | undefined;
      /** `events` knows few of its messages, so its output is shown as it is unless a transcript is asked for. */
      readonly knownInPart?: true;
      /** There is a terminal event: without it even exit 0 is not a success. */
      readonly terminal?: boolean;
      /** Whether a message shows that the model has answered or used a tool. Absent: taken for granted. */
      readonly worked?: (message: unknown) => boolean;
      /** What a line of stderr tells of a provider that does not answer, where stdout is silent about it. */
      readonly limitOnStderr?: (line: string) => ProviderLimit | undefined;
    }
  | {
      /** Lines of text; without a `result` of its own the text is the result. */
      readonly format: 'text';
      readonly read?: (line: string) => Findings | undefined;
      /** What a line tells a reader. Undefined: it is text of the agent. */
      readonly events?: (line: string) => readonly AgentEvent[] | undefined;
    };

/** A variable of the worker's environment by its name, with `*` at its end for all that begin so. */
export type InheritedVariable =
  | string
  /** Only where another variable is set: what a CLI needs of a cloud is not given away for nothing. */
  | { readonly where: string; readonly names: readonly string[] };

/** All that is particular to one agent CLI: data and pure functions; no I/O, no clock, no environment. */
export interface Runner<Name extends string = string> {
  readonly name: Name;
  readonly title: string;
  /** Looked up on the worker's PATH. */
  readonly command: string;
  /** Whose models it asks, in the words of OpenTelemetry (`gen_ai.provider.name`); absent where that is up to its settings. */
  readonly provider?: string;
  /** How a person installs it; shown in errors and by doctor. */
  readonly install: string;
  /** What a user should know of it before anything else; shown in docs/reference. */
  readonly note?: string;
  readonly versionArgs?: readonly string[];
  /** Absent: takes no mode. */
  readonly modes?: readonly string[];
  readonly args: (request: ProgramInput) => readonly string[];
  /** What is written to its stdin, which is then closed. Preferred: no 128 KiB cap, not in `ps`. */
  readonly stdin?: (request: ProgramInput) => string;
  /** We choose the id of a new session, so it is known before the program says anything. */
  readonly sessionIdArgs?: (sessionId: string) => readonly string[];
  readonly sessionLookup?: SessionLookup;
  /** Absent: cannot resume. */
  readonly resumeArgs?: (sessionId: string) => readonly string[];
  /**
   * What it is given of the worker's environment, besides what every program is: its keys, addresses and directories.
   * Not what it sets for its own children, by which it would think that it runs within another one.
   */
  readonly inherits?: readonly InheritedVariable[];
  /** What every run of it gets; the profile of an agent wins over it. */
  readonly env?: (request: ProgramInput) => Readonly<Record<string, string>>;
  /** The same as its operator wrote it: `$NAME` is a variable of the worker's environment, resolved there only. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Written with mode 0600 before the start. */
  readonly files?: (request: ProgramInput) => readonly ConfigFile[];
  /** How many runs of it can go on at once on one worker, where its own files bear no more. */
  readonly atOnce?: number;
  /** What one run takes at most, with all of its processes, as measured (MiB); tools that it starts not counted. */
  readonly memoryMib?: number;
  /** What of an agent's profile it cannot be given: a run that needs it is refused. */
  readonly lacks?: readonly ('systemPrompt' | 'mcpServers')[];
  /** Absent: its usage is that of one run; `session`: it adds up over all runs of a session. */
  readonly usageOf?: 'session';
  /** The first signal when we end it: TERM, unless the program ends better with another one. */
  readonly endSignal?: KillSignal;
  /** What an exit code and the last words on stderr stand for, where the output does not tell the kind of failure. */
  readonly failureKind?: (exitCode: number, lastWords: string) => Failure['kind'] | undefined;
  /** The version that the suite against the real program runs. */
  readonly testedVersion?: string;
  readonly output: Output;
}
