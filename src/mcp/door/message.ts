import { beginningOf } from '../../shared/plain-text.js';
import { TOOLS } from '../tools/list.js';
import { fromJson } from './values.js';

type Params = Readonly<Record<string, unknown>>;
interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
}

/** A request that no SDK would take, answered as JSON-RPC does, in our words: theirs are those of a validator. */
export interface RefusedMessage {
  readonly jsonrpc: '2.0';
  readonly id: unknown;
  readonly error: {
    readonly code: number;
    readonly message: string;
    readonly data: { readonly code: string; readonly hint: string };
  };
}

const INVALID_PARAMS = -32_602;
const isRecord = (value: unknown): value is Params =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What each request has to say, and where it is found. */
const NAMED: Readonly<Record<string, readonly [member: string, hint: string]>> = {
  'tools/call': ['name', `Give the name of a tool: ${TOOLS.map(({ name }) => name).join(', ')}.`],
  'prompts/get': ['name', 'prompts/list has the names.'],
  'resources/read': ['uri', 'resources/list and resources/templates/list have the uris.'],
  'resources/subscribe': ['uri', 'resources/list and resources/templates/list have the uris.'],
  'resources/unsubscribe': ['uri', 'resources/list and resources/templates/list have the uris.'],
  'tasks/get': ['taskId', 'The id of a task is the runId of its run.'],
  'tasks/result': ['taskId', 'The id of a task is the runId of its run.'],
  'tasks/cancel': ['taskId', 'The id of a task is the runId of its run.'],
};

/** Requests that newer protocols do not have; those of them that ask all the same are told so by their SDK. */
const UNTIL_2025: readonly string[] = ['resources/subscribe', 'resources/unsubscribe'];
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/** Whether a message says which protocol it is of, as each one does since 2026-07-28. */
export function namesItsProtocol({ params }: { readonly params?: unknown }): boolean {
  return isRecord(params) && isRecord(params._meta) && VERSION_KEY in params._meta;
}

/**
 * A message in the one meaning that it has, as the SDKs take it: `arguments` may be null, or JSON as text. Or why it has
 * none.
 */
export function bringMessage<Given>(
  message: Given,
): { readonly message: Given } | { readonly refused: RefusedMessage } {
  if (!isRecord(message)) return { message };
  const { id, method, params } = message as Message;
  const named = typeof method === 'string' && Object.hasOwn(NAMED, method) ? NAMED[method] : undefined;
  if (!named || id === undefined) return { message };
  if (UNTIL_2025.includes(String(method)) && namesItsProtocol(message)) return { message };
  const given = isRecord(params) ? params : {};
  const [member, hint] = named;
  if (typeof given[member] !== 'string')
    return refusal(id, `${member}: ${wasGiven(given[member])}; must be a text`, hint);
  if (method !== 'tools/call' && method !== 'prompts/get') return { message };
  const { arguments: raw, ...rest } = given;
  const args = fromJson(raw);
  if (args === null || args === undefined || args === '') return { message: { ...message, params: rest } };
  if (!isRecord(args))
    return refusal(
      id,
      `arguments: ${wasGiven(raw)}; must be an object with names and values`,
      `${given[member]} takes its arguments by name: {"name": value}.`,
    );
  const brought = { ...given, arguments: method === 'prompts/get' ? asTexts(args) : args };
  return { message: { ...message, params: brought } };
}

/** The arguments of a prompt are texts. */
const asTexts = (args: Params): Params =>
  Object.fromEntries(
    Object.entries(args).flatMap(([name, value]) => {
      if (value === null || value === undefined) return [];
      return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
    }),
  );

const refusal = (id: unknown, message: string, hint: string): { refused: RefusedMessage } => ({
  refused: {
    jsonrpc: '2.0',
    id,
    error: { code: INVALID_PARAMS, message: `${message}. ${hint}`, data: { code: 'invalid_argument', hint } },
  },
});

function wasGiven(value: unknown): string {
  if (value === undefined) return 'it is missing';
  const text = JSON.stringify(value) ?? 'undefined';
  return `it was ${text.length <= 100 ? text : `${beginningOf(text, 100)}…`}`;
}
