import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { anthropicMessages } from './anthropic-messages.js';
import { geminiContent } from './gemini-content.js';
import { openAiChat } from './openai-chat.js';
import { openAiResponses } from './openai-responses.js';
import type { Streamed } from './server-sent.js';

/** One message of a conversation, whatever the protocol. */
export interface Said {
  readonly role: 'user' | 'assistant' | 'system';
  readonly text: string;
  /** What the tools answered that the model had called. */
  readonly toolResults: readonly string[];
}

/** One request to the model, as it came. */
export interface Asked {
  readonly model: string;
  readonly system: string;
  readonly messages: readonly Said[];
  /** The names of the tools that the model is offered. */
  readonly tools: readonly string[];
  readonly streaming: boolean;
}

/** What the tools have answered that the model called last; empty when the user spoke last. */
export const lastToolResults = ({ messages }: Asked): readonly string[] =>
  messages.findLast(({ role }) => role === 'user')?.toolResults ?? [];

/** What the scripted model does with one request; without anything it says nothing and ends its turn. */
export interface Turn {
  /** The answer does not begin before this. */
  readonly after?: Promise<unknown>;
  /** Text, in as many pieces as it is streamed in. */
  readonly say?: readonly string[];
  /** Between two pieces (ms). */
  readonly pauseMs?: number;
  /** A tool that the program is to call then. */
  readonly call?: { readonly tool: string; readonly input: Readonly<Record<string, unknown>> };
  /** An HTTP status instead of an answer, with the provider's words. */
  readonly refuse?: { readonly status: number; readonly words: string };
}
export type Script = (asked: Asked) => Turn;

/** How one provider's API is spoken: pure functions over a request and a turn. */
export interface Protocol {
  /** The key that a request carries. */
  readonly keyOf: (headers: IncomingHttpHeaders) => string | undefined;
  /** Undefined: this request does not ask the model. */
  readonly read: (path: string, body: unknown) => Asked | undefined;
  /** The answers to requests that do not ask the model, such as the counting of tokens. */
  readonly aside: (path: string) => unknown;
  readonly refusal: (status: number, words: string) => unknown;
  /** The whole answer at once. */
  readonly whole: (asked: Asked, turn: Turn) => unknown;
  /** The same in events of a stream. */
  readonly events: (asked: Asked, turn: Turn) => readonly Streamed[];
}

const PROTOCOLS = {
  anthropic: anthropicMessages,
  'openai-chat': openAiChat,
  'openai-responses': openAiResponses,
  gemini: geminiContent,
} satisfies Readonly<Record<string, Protocol>>;
export type ProtocolName = keyof typeof PROTOCOLS;

export interface ModelEndpoint {
  readonly url: string;
  /** From now on the model follows this script; answers with the growing list of what it is asked. */
  play(script: Script): readonly Asked[];
  stop(): Promise<void>;
}

/** A scripted model behind a real HTTP server on loopback. Requests with another key are refused with 401. */
export async function startModelEndpoint(name: ProtocolName, key: string): Promise<ModelEndpoint> {
  const protocol: Protocol = PROTOCOLS[name];
  let script: Script = () => ({});
  let asked: Asked[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://model');
    const body = await bodyOf(request);
    if (request.method === 'HEAD') return void response.end();
    if (protocol.keyOf(request.headers) !== key)
      return json(response, 401, protocol.refusal(401, 'the scripted model does not know this key'));
    const question = attempt(() => protocol.read(pathname, body));
    if (question instanceof Error) return json(response, 400, protocol.refusal(400, question.message));
    if (!question) return json(response, 200, protocol.aside(pathname));
    asked.push(question);
    const turn = attempt(() => script(question));
    if (turn instanceof Error) return json(response, 400, protocol.refusal(400, turn.message));
    await turn.after;
    if (turn.refuse) return json(response, turn.refuse.status, protocol.refusal(turn.refuse.status, turn.refuse.words));
    if (!question.streaming) return json(response, 200, protocol.whole(question, turn));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const { text, piece } of protocol.events(question, turn)) {
      if (piece && turn.pauseMs) await pause(turn.pauseMs);
      response.write(text);
    }
    response.end();
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error)); // the program hung up
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    play(next) {
      script = next;
      asked = [];
      return asked;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What goes wrong here is told as a refusal, since programs repeat a request whose connection breaks. */
function attempt<Done>(action: () => Done): Done | Error {
  try {
    return action();
  } catch (error) {
    return error as Error;
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
}
