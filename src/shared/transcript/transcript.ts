import { plainText } from '../plain-text.js';
import type { Output } from '../runners/runner.js';
import type { AgentEvent } from './event.js';
import { createFraming, type Frame } from './framing.js';

/** A longer message is not read but divided (bytes). */
const LONGEST_MESSAGE = 4 * 1024 * 1024;

type StreamName = 'stdout' | 'stderr';

/** Bytes of one stream of a run's output, with where they lie and when they came. */
export interface Piece {
  readonly stream: StreamName;
  readonly offset: number;
  readonly bytes: Buffer;
  /** When they were printed (ms of the Redis server). */
  readonly at: number;
}

/** A stretch of the output, and what it tells: nothing where the program only keeps its books. */
export interface Excerpt {
  readonly stream: StreamName;
  /** Of its first byte, and after its last one, in its stream. */
  readonly offset: number;
  readonly end: number;
  /** When its first byte was printed (ms of the Redis server). */
  readonly at: number;
  readonly events: readonly AgentEvent[];
}

/** An event, with where in the output it is told. */
export type TranscriptEvent = AgentEvent & Omit<Excerpt, 'events'>;

/**
 * Derives what an agent said and did from the bytes that it printed. Every byte is in exactly one excerpt, and the
 * excerpts are the same however the bytes are divided. Where bytes are missing, what is on both sides is told apart.
 */
export function createTranscript(output: Output) {
  const streams = { stdout: readStream(output, 'stdout'), stderr: readStream({ format: 'text' }, 'stderr') };
  return {
    take: (piece: Piece): Excerpt[] => streams[piece.stream].take(piece),
    /** No more will come: what is left is told, too. */
    finish: (): Excerpt[] => [...streams.stdout.finish(), ...streams.stderr.finish()],
    /** Where the first byte of a stream lies that is in no excerpt yet; undefined before its first one. */
    offset: (stream: StreamName): number | undefined => streams[stream].offset(),
  };
}

/** What some excerpts tell, one by one. */
export const eventsOf = (excerpts: readonly Excerpt[]): TranscriptEvent[] =>
  excerpts.flatMap(({ events, ...place }) => events.map((event) => ({ ...event, ...place })));

function readStream(output: Output, stream: StreamName) {
  const format = output.format === 'text' ? 'text' : 'json-lines';
  let framing: ReturnType<typeof createFraming> | undefined;
  let next = 0;
  /** When the bytes came that are in no excerpt yet, by the offset where that time begins. */
  let times: { readonly from: number; readonly at: number }[] = [];

  const excerpts = (frames: readonly Frame[]): Excerpt[] =>
    frames.map((frame) => {
      const { offset, end } = frame;
      while (times[1] && times[1].from <= offset) times.shift();
      const events = stream === 'stderr' ? raw(frame.text) : eventsIn(output, frame);
      return { stream, offset, end, at: times[0]?.at ?? 0, events };
    });
  const finish = () => {
    const rest = framing ? excerpts(framing.finish()) : [];
    framing = undefined;
    times = [];
    return rest;
  };
  return {
    take({ offset, bytes, at }: Piece): Excerpt[] {
      const before = framing && offset !== next ? finish() : [];
      framing ??= createFraming({ format, longest: LONGEST_MESSAGE, offset });
      next = offset + bytes.length;
      times.push({ from: offset, at });
      return [...before, ...excerpts(framing.take(bytes))];
    },
    finish,
    offset: () => framing?.offset,
  };
}

const raw = (text: string): AgentEvent[] =>
  plainText(text).trim() === '' ? [] : [{ type: 'raw', text: plainText(text) }];

/** What one message tells. What is not understood is told as it is. */
function eventsIn(output: Output, { values, text }: Frame): readonly AgentEvent[] {
  if (output.format === 'text') {
    const line = plainText(text);
    return attempt(() => output.events?.(line)) ?? [{ type: 'text', text: `${line}\n`, delta: true }];
  }
  return [
    ...raw(text),
    ...values.flatMap((value) => attempt(() => output.events?.(value)) ?? raw(JSON.stringify(value))),
  ];
}

/** A runner that stumbles over a message has not understood it. */
function attempt(read: () => readonly AgentEvent[] | undefined): readonly AgentEvent[] | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
