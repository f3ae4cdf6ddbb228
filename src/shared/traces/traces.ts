import type { TraceContext } from './trace-context.js';

/** The attributes of a span; never a prompt, output, path or secret. */
export type SpanFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** How a span is begun. */
export interface SpanGiven {
  readonly kind: 'server' | 'producer' | 'consumer' | 'internal';
  /** Absent: it begins a trace. */
  readonly parent?: TraceContext | undefined;
  /** What it has to do with, of this trace or another one. */
  readonly links?: readonly TraceContext[];
  readonly facts: SpanFacts;
  /** By the clock of this host (ms since the epoch); absent: now. */
  readonly startedAt?: number;
}

/** How a span ends. */
export interface SpanEnd {
  readonly facts?: SpanFacts;
  /** The kind of error it ends with: a word of a closed list, never a message. */
  readonly error?: string | undefined;
  /** See `SpanGiven.startedAt`. */
  readonly endedAt?: number;
}

/** Something that takes time, as a collector of traces sees it. */
export interface Span {
  /** The parent for spans of work done for this one; absent without a collector. */
  readonly context: TraceContext | undefined;
  /** Something that happened in it (`at`: as `SpanGiven.startedAt`). */
  event(name: string, facts: SpanFacts, at: number): void;
  end(end?: SpanEnd): void;
}

/** Sends spans to a trace collector. Absent in a process without traces, which then creates and loads nothing for them. */
export interface Traces {
  begin(name: string, given: SpanGiven): Span;
  /** Sends what was not sent yet, for at most 2 s. */
  stop(): Promise<void>;
}
