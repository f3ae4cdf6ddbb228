import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** A message of JSON-RPC as it comes: what it holds is checked by the SDK that takes it. */
export interface WireMessage {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
}

export interface WireDeps {
  readonly input: Readable;
  readonly output: Writable;
  /** A longer line ends the connection (characters). */
  readonly longest: number;
  readonly onMessage: (message: WireMessage) => void;
  /** The client sends nothing more. */
  readonly onEnd: () => void;
  /** Nobody reads what we write. */
  readonly onGone: () => void;
}

/** A request that stays open as long as its client likes: nobody waits for its answer. */
const STAYS_OPEN = 'subscriptions/listen';
const refusal = (id: unknown, code: number, message: string) => ({ jsonrpc: '2.0', id, error: { code, message } });
const PARSE_ERROR = refusal(null, -32_700, 'the line is not JSON');
const INVALID = 'this is not a JSON-RPC 2.0 message';
const BYTE_ORDER_MARK = /^\uFEFF/;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * JSON-RPC in lines. Unlike the transports of the SDKs it belongs to none of them, since the first message decides which
 * one is loaded, and it knows what is unanswered: what was read before the end of the input is answered.
 */
export function openWire({ input, output, longest, onMessage, onEnd, onGone }: WireDeps) {
  const open = new Set<unknown>();
  const answered = new Set<() => void>();
  const decoder = new StringDecoder('utf8');
  let rest: string[] = [];
  let size = 0;

  const settle = (id: unknown) => {
    if (open.delete(id) && open.size === 0) for (const resolve of answered) resolve();
  };
  const take = (message: unknown) => {
    if (Array.isArray(message)) return message.forEach(take); // a batch of protocol 2025-03-26
    if (!isRecord(message) || message.jsonrpc !== '2.0')
      return write(refusal((isRecord(message) && message.id) || null, -32_600, INVALID));
    const { id, method, params } = message as WireMessage;
    if (method !== undefined && id !== undefined && method !== STAYS_OPEN) open.add(id);
    // What was given up is answered by nobody.
    if (method === 'notifications/cancelled' && isRecord(params)) settle(params.requestId);
    onMessage(message as WireMessage);
  };
  const line = (text: string) => {
    const json = text.replace(BYTE_ORDER_MARK, '').trim();
    if (json === '') return;
    let message: unknown;
    try {
      message = JSON.parse(json);
    } catch {
      return write(PARSE_ERROR);
    }
    take(message);
  };
  const read = (text: string) => {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const whole = rest.join('') + text.slice(from, end);
      rest = [];
      size = 0;
      from = end + 1;
      line(whole);
    }
    rest.push(text.slice(from));
    size += text.length - from;
    if (size > longest) {
      input.destroy();
      onGone();
    }
  };
  // What is answered in one turn of the event loop goes out in one write: each is a call of the system.
  const write = (message: object) => {
    if (output.writableCorked === 0) {
      output.cork();
      process.nextTick(() => output.uncork());
    }
    output.write(`${JSON.stringify(message)}\n`);
  };

  output.on('error', onGone);
  input.on('data', (bytes: Buffer) => read(decoder.write(bytes)));
  input.once('end', () => {
    read(`${decoder.end()}\n`); // the last line may have no end
    onEnd();
  });
  input.once('error', onGone);

  return {
    /** Sends a message, in the order of the calls. */
    send(message: WireMessage): void {
      write(message);
      if (message.method === undefined) settle(message.id);
    },
    /** Resolves when every request that was read has its answer. */
    allAnswered: () =>
      new Promise<void>((resolve) => {
        if (open.size === 0) resolve();
        else answered.add(resolve);
      }),
    /** Resolves when what was sent has been handed over. */
    flushed: () => new Promise<void>((resolve) => void output.write('', () => resolve())),
  };
}
