import type { Caller } from '../client/caller.js';
import type { Config } from '../shared/config/load.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { TraceHeaders } from '../shared/traces/trace-context.js';
import { VERSION } from '../shared/version.js';
import { APP_META } from './app/run-app.js';
import { type Asker, poolFor } from './ask.js';
import { type Answer, callTool, errorBody } from './call.js';
import { describedTools, type ToolDescription } from './described-tools.js';
import type { OpenCalls } from './open-calls.js';
import type { Tool } from './tool.js';
import { traced } from './tool-span.js';
import { TOOLS } from './tools/list.js';

/** The longest that one call blocks (ms): under the 60 s of most clients; more for those that were measured. */
const WAIT_CAP_MS = 45_000;
const PATIENT_WAIT_CAP_MS = 110_000;
const PATIENT_CLIENTS = /^(claude-code|codex-mcp-client|codex)$/;
/** How long one call may block for a client of this name (ms). */
export function waitCapFor(clientName: string | undefined, configured: number | undefined): number {
  return configured ?? (PATIENT_CLIENTS.test(clientName ?? '') ? PATIENT_WAIT_CAP_MS : WAIT_CAP_MS);
}

/** What the server says of itself, in the words that every SDK takes. */
export const SERVER_INFO = { name: 'agentpool', title: 'agentpool', version: VERSION };

export const CAPABILITIES = { tools: {}, prompts: {}, resources: {} };

const SERVER_OPTIONS = {
  // For what clients are asked to fill in, which we never do; each server would make a compiler of schemas otherwise.
  jsonSchemaValidator: {
    getValidator: () => () => ({ valid: false as const, data: undefined, errorMessage: 'nothing was asked for' }),
  },
  instructions:
    'agentpool runs agent programs as durable jobs on a pool of machines. run_agent answers at once with a runId; the run goes on whatever becomes of this connection. ' +
    'wait_agent waits for the end (call it again when it timed out), stream_agent_output follows what is printed, get_agent_status and list_runs tell what there is, kill_agent ends a run with all of its processes. ' +
    'Where your client makes a call of run_agent a task, the id of that server-side task is the runId.',
};

/** What the server says of itself to this client. */
export const optionsFor = ({ notice }: Pick<Connection, 'notice'>) =>
  notice === undefined
    ? SERVER_OPTIONS
    : { ...SERVER_OPTIONS, instructions: `${SERVER_OPTIONS.instructions} ${notice.words}` };

/** What is told to a client once; some show their model the instructions of a server, some do not. */
interface Notice {
  readonly words: string;
  /** The words for the first caller; undefined afterwards. */
  take(): string | undefined;
}

export function createNotice(words: string): Notice {
  let isTold = false;
  return {
    words,
    take() {
      if (isTold) return undefined;
      isTold = true;
      return words;
    },
  };
}

/** An answer with what its client should know besides. */
function withNotice(value: Record<string, unknown>, notice: Notice | undefined): Record<string, unknown> {
  const words = notice?.take();
  const { warnings } = value;
  return words === undefined ? value : { ...value, warnings: [...(Array.isArray(warnings) ? warnings : []), words] };
}

/** An answer about a run with the address of its page: for the clients that show no app, and for the app. */
async function withPage({ hasApp }: Tool, value: Record<string, unknown>, { pageOf }: Connection) {
  if (!hasApp || typeof value.runId !== 'string') return value;
  const pageUrl = await pageOf?.(value.runId);
  return pageUrl === undefined ? value : { ...value, pageUrl };
}

/** What a binding is made for: one client on stdio, or one request over HTTP. */
export interface Connection extends Asker {
  readonly config: Config;
  /** Where the call is counted among those that are open. */
  readonly calls: OpenCalls;
  /** The client by its HTTP header, for protocols whose requests do not name it. */
  readonly userAgent?: string | undefined;
  /** It stays, so that news can be sent over it at any time. */
  readonly lasting?: boolean;
  /** What its client should know before anything else: told at the handshake, and with the first answer. */
  readonly notice?: Notice;
  /** The address of the page of a run, where a server is known that shows it. */
  readonly pageOf?: (runId: string) => Promise<string | undefined>;
  /** See `Caller`: of a client on stdio, which a person has started on this machine. */
  readonly directory?: () => Promise<string | undefined>;
  /** Where in a trace the request over HTTP says that it is. */
  readonly trace?: TraceHeaders;
}

/** One call as a binding has it from its SDK. */
export interface Call {
  readonly name: string;
  readonly args: unknown;
  readonly clientName: string | undefined;
  /** Its `_meta`, as it came; with a `progressToken` where the client wants progress. */
  readonly meta: { readonly progressToken?: string | number | undefined } | undefined;
  /** Aborted when the client gives the call up. */
  readonly signal: AbortSignal;
  /** Sends a notification that belongs to the call. */
  readonly notify: (notification: ProgressNotification) => Promise<void>;
}

interface ProgressNotification {
  readonly method: 'notifications/progress';
  /** `progress` is the number of seconds since the call. */
  readonly params: { progressToken: string | number; progress: number; message: string };
}

export interface CallAnswer {
  [key: string]: unknown;
  content: { type: 'text'; text: string }[];
  structuredContent: Record<string, unknown>;
  isError?: true;
}

/** Carries out one call; undefined when there is no such tool, which each SDK says in its own way. */
export async function answerCall(connection: Connection, call: Call): Promise<CallAnswer | undefined> {
  const { principal, config, calls, userAgent, logger, directory } = connection;
  const tool = TOOLS.find(({ name }) => name === call.name);
  if (!tool) return undefined;
  const clientName = call.clientName ?? userAgent?.split('/')[0];
  const begun = performance.now();
  const elapsed = () => Math.round(performance.now() - begun);
  const progress = sendProgress(call, elapsed);
  const waitCapMs = waitCapFor(clientName, config.waitCapMs);
  const answer = await calls.during(call.signal, async (signal): Promise<Answer> => {
    try {
      const pool = await poolFor(connection, { ...progress });
      const left = Math.max(0, waitCapMs - elapsed()); // the client's patience began with the call
      const context = { pool, principal, signal, waitCapMs: left, ...omitUndefined({ directory }), ...progress };
      const carried = { meta: call.meta, request: connection.trace };
      return await traced(tool, context, carried, (traced) => callTool(tool, call.args, traced));
    } catch (error) {
      return { ok: false, error: errorBody(error, logger) };
    }
  });
  if (!answer.ok) calls.noteRefused(answer.error.code);
  // Some clients show their model only the structured content, some only the text: both say everything.
  const body = answer.ok
    ? withNotice(await withPage(tool, answer.value, connection), connection.notice)
    : { ...answer.error };
  return {
    content: [{ type: 'text', text: JSON.stringify(body) }],
    structuredContent: body,
    ...(!answer.ok && { isError: true }),
  };
}

/** How a call tells its progress, where its client has asked for that; `elapsed`: since the call (ms). */
function sendProgress({ meta, notify }: Call, elapsed: () => number): Pick<Caller, 'progress'> | undefined {
  const progressToken = meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return {
    progress(message) {
      const params = { progressToken, progress: elapsed() / 1_000, message };
      notify({ method: 'notifications/progress', params }).catch(() => {}); // the client may be gone
    },
  };
}

export const noSuchTool = (name: string) =>
  `there is no tool ${name}; there are ${TOOLS.map((tool) => tool.name).join(', ')}`;

const described: { plain?: ToolDescription[]; withApp?: ToolDescription[] } = {};

/** Every tool in the words of the protocol; made once. `withApp`: for a client that shows apps. */
export function describeTools(withApp: boolean): ToolDescription[] {
  described.plain ??= describedTools();
  if (!withApp) return described.plain;
  described.withApp ??= described.plain.map((tool, at) =>
    TOOLS[at]?.hasApp ? { ...tool, _meta: { ...tool._meta, ...APP_META } } : tool,
  );
  return described.withApp;
}
