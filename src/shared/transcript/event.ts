import type { FailureKind, Usage } from '../run.js';

/** What a tool does, in the words of the Agent Client Protocol. */
export type ToolKind = 'read' | 'edit' | 'delete' | 'move' | 'search' | 'execute' | 'think' | 'fetch' | 'other';

/** What a sub-agent does is told under the call that started it. */
interface OfAgent {
  readonly parentToolCallId?: string;
}

/** What the model says to the user, as Markdown. */
export interface TextEvent extends OfAgent {
  readonly type: 'text';
  readonly text: string;
  /** A piece: it goes on where the piece before it ended. */
  readonly delta?: true;
}

/** What the model thinks. */
export interface ThinkingEvent extends OfAgent {
  readonly type: 'thinking';
  readonly text: string;
  readonly delta?: true;
}

export interface ToolCallEvent extends OfAgent {
  readonly type: 'tool_call';
  readonly toolCallId?: string;
  readonly name: string;
  readonly kind: ToolKind;
  /** One line on what it is called with. */
  readonly summary: string;
  readonly input: unknown;
}

export interface ToolResultEvent extends OfAgent {
  readonly type: 'tool_result';
  readonly toolCallId?: string;
  readonly ok: boolean;
  /** The first line of the output. */
  readonly summary: string;
  readonly output: string;
  /** Of the output, in UTF-8. */
  readonly bytes: number;
}

/** A file that was changed, with the counts of lines and the patch where the program tells them. */
export interface FileChangeEvent extends OfAgent {
  readonly type: 'file_change';
  readonly path: string;
  readonly operation?: 'add' | 'update' | 'delete';
  readonly added?: number;
  readonly removed?: number;
  /** Unified, without a header. */
  readonly patch?: string;
}

/**
 * What was spent: by one `step`, which adds to those before (and replaces one of the same `messageId`), by the whole `run`
 * so far, or by its whole `session`.
 */
export interface UsageEvent extends Usage {
  readonly type: 'usage';
  readonly of: 'step' | 'run' | 'session';
  readonly messageId?: string;
}

/** The provider refuses for now, or will soon. */
export interface LimitEvent {
  readonly type: 'limit';
  readonly message: string;
  readonly attempt?: number;
  readonly maxAttempts?: number;
  readonly retryAfterMs?: number;
  /** Milliseconds since the epoch, by the provider's clock. */
  readonly resetsAt?: number;
}

export interface ErrorEvent {
  readonly type: 'error';
  readonly message: string;
  readonly kind?: FailureKind;
  /** The program goes on all the same. */
  readonly transient?: true;
}

/** What a reader may want to know of the program's own doings. */
export interface StatusEvent {
  readonly type: 'status';
  readonly message: string;
  readonly sessionId?: string;
  readonly model?: string;
}

/** Output that was not understood, as it is. */
export interface RawEvent {
  readonly type: 'raw';
  readonly text: string;
}

/** One thing that an agent said or did, in the same words for every program. */
export type AgentEvent =
  | TextEvent
  | ThinkingEvent
  | ToolCallEvent
  | ToolResultEvent
  | FileChangeEvent
  | UsageEvent
  | LimitEvent
  | ErrorEvent
  | StatusEvent
  | RawEvent;
