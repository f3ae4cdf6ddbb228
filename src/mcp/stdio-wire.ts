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

/** What one client and we say to each other. */
export interface Wire {
  /** Sends a message, in the order of the calls. */
  send(message: WireMessage): void;
  /** Resolves when every request that was read has its answer. */
  allAnswered(): Promise<void>;
  /** Resolves when what was sent has been handed over. */
  flushed(): Promise<void>;
}

/**
 * JSON-RPC in lines. Unlike the transports of the SDKs it belongs to none of them, since the first message decides which
 * one is loaded, and it knows what is unanswered: what was read before the end of the input is answered.
 */
export const openWire = (deps: WireDeps): Wire => new LineWire(deps);

class LineWire implements Wire {
  readonly #deps: WireDeps;
  /** The requests that have no answer yet, by their ids. */
  readonly #open = new Set<unknown>();
  readonly #onAllAnswered = new Set<() => void>();
  /** The line whose end has not come yet: its pieces, and their length together. */
  #rest: string[] = [];
  #size = 0;

  constructor(deps: WireDeps) {
    const { input, output, onEnd, onGone } = deps;
    const decoder = new StringDecoder('utf8');
    this.#deps = deps;
    output.on('error', onGone);
    input.on('data', (bytes: Buffer) => this.#read(decoder.write(bytes)));
    input.once('end', () => {
      this.#read(`${decoder.end()}\n`); // the last line may have no end
      onEnd();
    });
    input.once('error', onGone);
  }

  send(message: WireMessage): void {
    this.#write(message);
    if (message.method === undefined) this.#settle(message.id);
  }

  allAnswered(): Promise<void> {
    return new Promise<void>((resolve) => {
      if (this.#open.size === 0) resolve();
      else this.#onAllAnswered.add(resolve);
    });
  }

  flushed(): Promise<void> {
    return new Promise<void>((resolve) => void this.#deps.output.write('', () => resolve()));
  }

  #read(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const whole = this.#rest.join('') + text.slice(from, end);
      this.#rest = [];
      this.#size = 0;
      from = end + 1;
      this.#line(whole);
    }
    this.#rest.push(text.slice(from));
    this.#size += text.length - from;
    if (this.#size > this.#deps.longest) {
      this.#deps.input.destroy();
      this.#deps.onGone();
    }
  }

  #line(text: string): void {
    const json = text.replace(BYTE_ORDER_MARK, '').trim();
    if (json === '') return;
    let message: unknown;
    try {
      message = JSON.parse(json);
    } catch {
      this.#write(PARSE_ERROR);
      return;
    }
    this.#take(message);
  }

  #take(message: unknown): void {
    // A batch of protocol 2025-03-26.
    if (Array.isArray(message)) for (const one of message) this.#take(one);
    else if (isRecord(message) && message.jsonrpc === '2.0') this.#message(message);
    else this.#write(refusal((isRecord(message) && message.id) || null, -32_600, INVALID));
  }

  #message(message: WireMessage): void {
    const { id, method, params } = message;
    if (method !== undefined && id !== undefined && method !== STAYS_OPEN) this.#open.add(id);
    // What was given up is answered by nobody.
    if (method === 'notifications/cancelled' && isRecord(params)) this.#settle(params.requestId);
    this.#deps.onMessage(message);
  }

  #settle(id: unknown): void {
    if (this.#open.delete(id) && this.#open.size === 0) for (const resolve of this.#onAllAnswered) resolve();
  }

  /** What is answered in one turn of the event loop goes out in one write: each is a call of the system. */
  #write(message: object): void {
    const { output } = this.#deps;
    if (output.writableCorked === 0) {
      output.cork();
      process.nextTick(() => output.uncork());
    }
    output.write(`${JSON.stringify(message)}\n`);
  }
}
