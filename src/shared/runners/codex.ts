import { z } from 'zod';
import { RUN_MARK } from '../config/load.js';
import { omitUndefined } from '../omit-undefined.js';
import type { AgentEvent } from '../transcript/event.js';
import { toolCall, toolResult } from '../transcript/tool.js';
import { ifGiven, pathOf } from './given-files.js';
import { failureWith, statusIn } from './http-status.js';
import { count, part, truth, words } from './lenient.js';
import type { ConfigFile, Findings, ProgramInput, Runner } from './runner.js';
import { endEvents, sessionStarted } from './session-events.js';

const message = z.object({
  type: z.string(),
  thread_id: words,
  message: words,
  item: part({
    id: words,
    type: words,
    text: words,
    message: words,
    status: words,
    command: words,
    aggregated_output: words,
    exit_code: count,
    changes: z
      .array(z.object({ path: z.string(), kind: words }))
      .optional()
      .catch(undefined),
    server: words,
    tool: words,
    arguments: z.unknown().optional(),
    result: z.unknown().optional(),
    error: part({ message: words }),
    query: words,
    items: z
      .array(z.object({ text: z.string(), completed: truth }))
      .optional()
      .catch(undefined),
  }),
  error: part({ message: words }),
  usage: part({ input_tokens: count, cached_input_tokens: count, output_tokens: count }),
});
type Message = z.infer<typeof message>;
type Item = NonNullable<Message['item']>;

/** `unexpected status 401 Unauthorized: ...` and `exceeded retry limit, last status: 429 Too Many Requests, ...`. */
const STATUS = /\bstatus:? (\d{3})\b/;
/** The provider was not asked: `Missing environment variable: \`OPENAI_API_KEY\`.` */
const NO_KEY = /^Missing environment variable\b/;

const usageIn = ({ usage }: Message) =>
  omitUndefined({
    inputTokens: usage?.input_tokens,
    outputTokens: usage?.output_tokens,
    cachedInputTokens: usage?.cached_input_tokens,
  });

function failureIn(text = 'codex reported an error') {
  return failureWith(text, NO_KEY.test(text) ? 401 : statusIn(text, STATUS));
}

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, thread_id: sessionId, item, error } = parsed.data;
  if (type === 'thread.started') return sessionId ? { sessionId } : undefined;
  if (type === 'item.completed')
    return item?.type === 'agent_message' ? omitUndefined({ result: item.text }) : undefined;
  if (type === 'turn.completed') return { ended: true, usage: usageIn(parsed.data) };
  // `error` events are also warnings and attempts that are tried again; only `turn.failed` is the end.
  if (type === 'error') return limitIn(parsed.data.message);
  if (type !== 'turn.failed') return undefined;
  return { ended: true, ...failureIn(error?.message) };
}

/** `Reconnecting... 2/5 (unexpected status ...)` */
const RETRY = /^Reconnecting\.\.\. (\d+)\/(\d+)(?: \((.*)\))?/s;

/** The try that codex makes by itself, where it is not one with a refused key. */
function retryIn(message: string) {
  const [, attempt, most, why] = RETRY.exec(message) ?? [];
  if (attempt === undefined || failureIn(message).errorKind === 'auth') return undefined;
  return { attempt: Number(attempt), of: Number(most), why };
}

function limitIn(message: string | undefined): Findings | undefined {
  const retry = message === undefined ? undefined : retryIn(message);
  return retry && { limit: { message: retry.why ?? 'the connection broke off', attempt: retry.attempt, of: retry.of } };
}

/** What a tool is called with; undefined for an item that does not belong to a tool. */
function callIn({ id: toolCallId, type, command, changes, server, tool, arguments: input, query }: Item) {
  switch (type) {
    case 'command_execution':
      return toolCall('shell', { command }, { toolCallId });
    case 'file_change':
      return toolCall('apply_patch', { changes }, { toolCallId, summary: changes?.map(({ path }) => path).join(', ') });
    case 'mcp_tool_call':
      return toolCall([server, tool].filter(Boolean).join('.') || 'tool', input, { toolCallId });
    case 'web_search':
      return toolCall('web_search', { query }, { toolCallId });
    default:
      return undefined;
  }
}

const OPERATIONS: Readonly<Record<string, 'add' | 'update' | 'delete'>> = {
  add: 'add',
  update: 'update',
  delete: 'delete',
};

function eventsOfResult(item: Item): AgentEvent[] | undefined {
  const { id: toolCallId, type, status, exit_code: code, changes = [], error } = item;
  const ok = status !== 'failed' && status !== 'declined' && !error;
  switch (type) {
    case 'command_execution':
      return [toolResult(ok && (code ?? 0) === 0, item.aggregated_output ?? '', { toolCallId })];
    case 'file_change':
      return [
        toolResult(ok, status ?? '', { toolCallId }),
        ...(ok ? changes : []).map(({ path, kind }): AgentEvent => {
          const operation = OPERATIONS[kind ?? ''];
          return { type: 'file_change', path, ...(operation && { operation }) };
        }),
      ];
    case 'mcp_tool_call':
      return [toolResult(ok, error?.message ?? item.result ?? '', { toolCallId })];
    case 'web_search':
      return [toolResult(ok, '', { toolCallId })];
    default:
      return undefined;
  }
}

function eventsOfItem(item: Item): AgentEvent[] | undefined {
  const { type, text, message: words, items } = item;
  if (type === 'agent_message' && text !== undefined) return [{ type: 'text', text }];
  if (type === 'reasoning' && text !== undefined) return [{ type: 'thinking', text }];
  if (type === 'error') return [{ type: 'error', message: words ?? 'codex warned of something', transient: true }];
  if (type === 'todo_list' && items)
    return [
      { type: 'status', message: `plan: ${items.map((one) => `${one.completed ? '✓' : '·'} ${one.text}`).join(', ')}` },
    ];
  return eventsOfResult(item);
}

/** Warnings and attempts that are tried again; what ends the turn is told by `turn.failed`, too. */
function eventsOfTrouble(message: string): AgentEvent[] {
  const retry = retryIn(message);
  if (retry) return [{ type: 'limit', message, attempt: retry.attempt, maxAttempts: retry.of }];
  const { errorKind: kind } = failureIn(message);
  return [{ type: 'error', message, ...(kind && { kind }), transient: true }];
}

function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = message.safeParse(value);
  switch (line?.type) {
    case 'thread.started':
      return sessionStarted({ sessionId: line.thread_id });
    case 'turn.started':
    case 'item.updated':
      return [];
    case 'item.started': {
      const call = line.item && callIn(line.item);
      return call ? [call] : [];
    }
    case 'item.completed':
      return line.item && eventsOfItem(line.item);
    case 'turn.completed':
      return endEvents('session', usageIn(line), undefined);
    case 'turn.failed':
      return endEvents('session', {}, failureIn(line.error?.message));
    case 'error':
      return line.message === undefined ? undefined : eventsOfTrouble(line.message);
    default:
      return undefined;
  }
}

/** An item of type `error` is a warning; all others are what the model said, thought or did. */
function worked(value: unknown): boolean {
  const { type, item } = message.safeParse(value).data ?? {};
  return type?.startsWith('item.') === true && item?.type !== 'error';
}

/** A value of its configuration, in TOML: JSON with another sign in objects, and DEL escaped. */
function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value).replaceAll('\x7f', '\\u007f');
  return `{${Object.entries(value).map(([key, member]) => `${toml(key)}=${toml(member)}`)}}`;
}
const setting = (key: string, value: unknown) => ['-c', `${key}=${toml(value)}`];
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

const environmentFile = (at: number) => `mcp-${at}.env`;
const headerVariable = (server: number, header: number) => `AGENT_MCP_${server}_HEADER_${header}`;
const servers = ({ mcpServers = {} }: ProgramInput) => Object.entries(mcpServers);

/**
 * Its configuration is made of arguments, which everybody can see, so secrets go around it: a server gets its variables
 * from a file that a shell reads before it becomes the server, and headers come from variables.
 */
function serverSettings(request: ProgramInput): Record<string, object> | undefined {
  const settings = servers(request).map(([name, server], at) => {
    if ('command' in server) {
      const load = ['-c', 'set -a; . "$0"; set +a; exec "$@"', pathOf(request, environmentFile(at))];
      // It clears the environment of its servers; without the mark one of them could outlive a kill.
      return [name, { command: 'sh', args: [...load, server.command, ...(server.args ?? [])], env_vars: [RUN_MARK] }];
    }
    const headers = Object.keys(server.headers ?? {}).map((header, nth) => [header, headerVariable(at, nth)]);
    return [name, { url: server.url, env_http_headers: Object.fromEntries(headers) }];
  });
  return settings.length > 0 ? Object.fromEntries(settings) : undefined;
}

function environmentFiles(request: ProgramInput): ConfigFile[] {
  return servers(request).flatMap(([, server], at) => {
    if (!('command' in server)) return [];
    const lines = Object.entries(server.env ?? {}).map(([name, value]) => `${name}=${quoted(value)}\n`);
    return [{ name: environmentFile(at), content: lines.join('') }];
  });
}

const headerVariables = (request: ProgramInput) =>
  servers(request).flatMap(([, server], at) =>
    Object.values(('url' in server && server.headers) || {}).map((value, nth) => [headerVariable(at, nth), value]),
  );

/** Codex CLI, `@openai/codex` 0.169. */
export const codex: Runner<'codex'> = {
  name: 'codex',
  title: 'Codex CLI',
  command: 'codex',
  provider: 'openai',
  memoryMib: 140,
  install: 'npm install -g @openai/codex',
  versionArgs: ['--version'],
  testedVersion: '0.169.0',
  args: (request) => [
    'exec',
    '--json',
    ...(request.permissions === 'auto' ? ['--dangerously-bypass-approvals-and-sandbox'] : ['--sandbox', 'read-only']),
    '--skip-git-repo-check',
    '--cd',
    request.path,
    ...ifGiven(request.model, (model) => ['--model', model]),
    '-c',
    'check_for_update_on_startup=false',
    '-c',
    'analytics.enabled=false',
    ...ifGiven(request.systemPrompt, (text) => setting('developer_instructions', text)),
    ...ifGiven(serverSettings(request), (settings) => setting('mcp_servers', settings)),
    ...(request.resume ? [] : ['-']),
  ],
  stdin: ({ prompt }) => prompt,
  files: environmentFiles,
  // The `-` is the prompt, by stdin, and has to come last.
  resumeArgs: (sessionId) => ['resume', sessionId, '-'],
  inherits: [
    ...['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_ORGANIZATION', 'OPENAI_PROJECT', 'AZURE_OPENAI_API_KEY'],
    ...['CODEX_API_KEY', 'CODEX_HOME', 'CODEX_CA_CERTIFICATE', 'RUST_LOG'],
  ],
  env: (request) => ({ NO_COLOR: '1', ...Object.fromEntries(headerVariables(request)) }),
  usageOf: 'session',
  output: { format: 'json-lines', read, events, terminal: true, worked },
};
