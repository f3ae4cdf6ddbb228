import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { ProviderLimit } from '../run.js';
import type { AgentEvent, FileChangeEvent, StatusEvent } from '../transcript/event.js';
import { changedByHunks, newFile } from '../transcript/patch.js';
import { ifGiven, pathOf, serversAs, serversFile, systemPromptFile } from './given-files.js';
import { failureWith, kindOfStatus } from './http-status.js';
import { count, part, truth, words } from './lenient.js';
import type { Findings, ProgramInput, Runner } from './runner.js';
import { endEvents, sessionStarted } from './session-events.js';
import { eventsOfBlocks, said, spentOf, streamJson } from './stream-json.js';

/** A field of another shape than today's is passed over; only with another `is_error` the whole line means nothing. */
const message = streamJson.extend({
  is_error: z.boolean().optional(),
  attempt: count,
  error: words,
  error_status: count,
  api_error_status: count,
  max_retries: count,
  retry_delay_ms: count,
  model: words,
  claude_code_version: words,
  status: words,
  description: words,
  summary: words,
  duration_ms: count,
  is_api_error_message: truth,
  rate_limit_info: part({ status: words, resetsAt: count, rateLimitType: words }),
  errors: z.array(z.string()).optional().catch(undefined),
  model_usage_since_last_result: z
    .record(z.string(), z.object({ costUSD: z.number() }))
    .optional()
    .catch(undefined),
});
type Message = z.infer<typeof message>;

/**
 * claude repeats a refused key ten times, over three minutes, as it does an overload. Only the overload can pass, so
 * the second refusal counts as the end.
 */
const AUTH_ATTEMPTS = 2;

function readRetry(line: Message): Findings | undefined {
  const { attempt = 0, error, error_status: status } = line;
  if (kindOfStatus(status) !== 'auth') return { limit: limitOf(line) };
  if (attempt < AUTH_ATTEMPTS) return undefined;
  return { hopeless: true, errorKind: 'auth', error: `${error ?? 'the credentials were refused'} (HTTP ${status})` };
}

/** What the provider has said instead of an answer. */
const refusalIn = ({ error, error_status: status }: Message) =>
  `${error ?? 'the provider refused'}${status ? ` (HTTP ${status})` : ''}`;

const limitOf = (line: Message): ProviderLimit => ({
  message: refusalIn(line),
  ...omitUndefined({ attempt: line.attempt, of: line.max_retries, retryAfterMs: line.retry_delay_ms }),
});

/** The limits of a subscription: `five_hour`, `seven_day`; told with each answer, also while they are not reached. */
function readQuota({ rate_limit_info: { status, resetsAt, rateLimitType } = {} }: Message): Findings | undefined {
  if (status !== 'rejected') return undefined;
  const message = ['the limit is reached', rateLimitType].filter(Boolean).join(': ');
  return { limit: { message, ...omitUndefined({ resetsAt: resetsAt && resetsAt * 1_000 }) } };
}

/** Not `total_cost_usd`: where a session was resumed that holds what its earlier runs cost, too. */
function costOf({ model_usage_since_last_result: byModel }: Message): number | undefined {
  return byModel && Object.values(byModel).reduce((sum, { costUSD }) => sum + costUSD, 0);
}

const usageIn = (last: Message) => ({ ...spentOf(last), ...omitUndefined({ costUsd: costOf(last) }) });

function failureIn(last: Message) {
  // `subtype` says "success" even when the API refused; only `is_error` can be trusted.
  if (!last.is_error) return undefined;
  const error = last.result || last.errors?.join('\n') || last.subtype || 'claude reported an error';
  return failureWith(error, NO_LOGIN.test(error) ? 401 : last.api_error_status);
}

function readResult(last: Message): Findings {
  return { ended: true, usage: usageIn(last), ...(failureIn(last) ?? omitUndefined({ result: last.result })) };
}

/** Without any credentials it asks no provider, so there is no status: "Not logged in · Please run /login". */
const NO_LOGIN = /Please run \/login\b/;

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, subtype, session_id: sessionId } = parsed.data;
  if (type === 'result') return readResult(parsed.data);
  if (type === 'rate_limit_event') return readQuota(parsed.data);
  if (type !== 'system') return undefined;
  if (subtype === 'api_retry') return readRetry(parsed.data);
  return subtype === 'init' && sessionId ? { sessionId } : undefined;
}

/** --dangerously-skip-permissions wins over a permission mode, so only one of them is given. */
function permissionArgs({ permissions, mode }: ProgramInput): string[] {
  if (mode !== undefined) return ['--permission-mode', mode];
  return permissions === 'auto' ? ['--dangerously-skip-permissions'] : ['--permission-mode', 'dontAsk'];
}

/** A resumed session sends the system prompt of its first request unless it is told not to. */
const systemPromptArgs = (request: ProgramInput) => [
  '--append-system-prompt-file',
  pathOf(request, SYSTEM_PROMPT),
  ...(request.resume ? ['--system-prompt-snapshot', 'off'] : []),
];

const SYSTEM_PROMPT = 'system-prompt.md';
const MCP = 'mcp.json';
const servers = (request: ProgramInput) =>
  serversAs(request, { program: (server) => server, remote: (server) => server });

const answer = z.object({
  type: z.literal('assistant'),
  message: z.object({
    id: words,
    model: words,
    usage: part({ input_tokens: count, cache_read_input_tokens: count }),
  }),
});

/** What the provider refused is told as if a model had said it, one of this name. */
function worked(value: unknown): boolean {
  const { data } = answer.safeParse(value);
  return data !== undefined && data.message.model !== '<synthetic>';
}

const hunk = z.object({
  oldStart: z.number(),
  oldLines: z.number(),
  newStart: z.number(),
  newLines: z.number(),
  lines: z.array(z.string()),
});
/** What a tool did to a file stands beside what it answered to the model. */
const change = z.object({
  filePath: z.string(),
  type: words,
  content: words,
  structuredPatch: z.array(hunk),
});

function changesIn(value: unknown): FileChangeEvent[] {
  const { tool_use_result: result } = (value ?? {}) as { tool_use_result?: unknown };
  const { data } = change.safeParse(result);
  if (!data) return [];
  if (data.type === 'create') return [newFile(data.filePath, data.content ?? '')];
  return data.structuredPatch.length > 0 ? [changedByHunks(data.filePath, data.structuredPatch, 'update')] : [];
}

function eventsOfSystem(line: Message): AgentEvent[] | undefined {
  const { subtype, session_id: sessionId, model, status, attempt, max_retries: maxAttempts } = line;
  const about = (message: string | undefined): StatusEvent[] => (message ? [{ type: 'status', message }] : []);
  switch (subtype) {
    case 'init':
      return sessionStarted({ sessionId, model, version: line.claude_code_version });
    case 'api_retry': {
      const message = refusalIn(line);
      const kind = kindOfStatus(line.error_status);
      if (kind === 'auth') return [{ type: 'error', message, kind, transient: true }];
      return [
        { type: 'limit', message, ...omitUndefined({ attempt, maxAttempts, retryAfterMs: line.retry_delay_ms }) },
      ];
    }
    case 'status':
      return about(status === 'requesting' ? undefined : status);
    case 'compact_boundary':
      return about('the conversation was compacted');
    case 'task_started':
    case 'task_notification':
      return about(line.summary ?? line.description);
    // The tool's answer says why it was denied; the others tell of what other messages tell, too.
    case 'permission_denied':
    case 'task_progress':
    case 'hook_started':
    case 'hook_progress':
    case 'session_state_changed':
      return [];
    default:
      return undefined;
  }
}

function eventsOfAnswer(value: unknown, { is_api_error_message: refused, api_error_status: status }: Message) {
  const blocks = said.safeParse(value).data;
  if (!blocks) return undefined;
  const events = eventsOfBlocks(blocks);
  if (refused) return events.map((event) => (event.type === 'text' ? refusal(event.text, status) : event));
  const { id: messageId, usage } = answer.safeParse(value).data?.message ?? {};
  if (messageId === undefined || usage === undefined) return [...events, ...changesIn(value)];
  // Its count of what was written is that of the first word only.
  const spent = { inputTokens: usage.input_tokens, cachedInputTokens: usage.cache_read_input_tokens };
  return [...events, { type: 'usage' as const, of: 'step' as const, messageId, ...omitUndefined(spent) }];
}

function refusal(message: string, status: number | undefined): AgentEvent {
  return { type: 'error', message, ...omitUndefined({ kind: kindOfStatus(status) }) };
}

function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = message.safeParse(value);
  switch (line?.type) {
    case 'system':
      return eventsOfSystem(line);
    case 'assistant':
    case 'user':
      return eventsOfAnswer(value, line);
    case 'result':
      return endEvents('run', usageIn(line), failureIn(line));
    case 'rate_limit_event': {
      const { status, resetsAt, rateLimitType: limit } = line.rate_limit_info ?? {};
      if (status === undefined) return undefined;
      if (status === 'allowed') return [];
      const reset = resetsAt === undefined ? undefined : resetsAt * 1_000;
      return [
        { type: 'limit', message: [status, limit].filter(Boolean).join(': '), ...omitUndefined({ resetsAt: reset }) },
      ];
    }
    // Pieces of messages that come whole, too.
    case 'stream_event':
    case 'tool_progress':
    case 'prompt_suggestion':
    case 'keep_alive':
      return [];
    default:
      return undefined;
  }
}

/** Claude Code, `@anthropic-ai/claude-code` 2.1. */
export const claude: Runner<'claude'> = {
  name: 'claude',
  title: 'Claude Code',
  command: 'claude',
  provider: 'anthropic',
  memoryMib: 200,
  // Without the version npm takes an old release on Node 20, without a word.
  install: 'npm install -g @anthropic-ai/claude-code@2.1.330',
  versionArgs: ['--version'],
  testedVersion: '2.1.330',
  modes: ['plan'],
  args: (request) => [
    '-p',
    '--output-format',
    'stream-json',
    '--verbose',
    ...permissionArgs(request),
    ...ifGiven(request.model, (model) => ['--model', model]),
    ...ifGiven(request.systemPrompt, () => systemPromptArgs(request)),
    ...ifGiven(servers(request), () => ['--mcp-config', pathOf(request, MCP), '--strict-mcp-config']),
  ],
  stdin: ({ prompt }) => prompt,
  files: (request) => [...systemPromptFile(request, SYSTEM_PROMPT), ...serversFile(servers(request), MCP)],
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--resume', sessionId],
  inherits: [
    ...['ANTHROPIC_*', 'API_TIMEOUT_MS', 'CLAUDE_CONFIG_DIR', 'CLAUDE_CODE_OAUTH_TOKEN', 'CLAUDE_CODE_TMPDIR'],
    ...['CLAUDE_CODE_MAX_RETRIES', 'CLAUDE_CODE_MAX_OUTPUT_TOKENS', 'CLAUDE_CODE_USE_*', 'CLAUDE_CODE_SKIP_*'],
    ...['MAX_THINKING_TOKENS', 'MAX_MCP_OUTPUT_TOKENS', 'MCP_TIMEOUT', 'MCP_TOOL_TIMEOUT', 'DISABLE_PROMPT_CACHING*'],
    ...['BASH_DEFAULT_TIMEOUT_MS', 'BASH_MAX_TIMEOUT_MS', 'BASH_MAX_OUTPUT_LENGTH'],
    ...['DISABLE_TELEMETRY', 'DISABLE_ERROR_REPORTING', 'IS_SANDBOX'],
    { where: 'CLAUDE_CODE_USE_BEDROCK', names: ['AWS_*'] },
    {
      where: 'CLAUDE_CODE_USE_VERTEX',
      names: ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_PROJECT', 'CLOUD_ML_REGION', 'VERTEX_REGION_*'],
    },
    { where: 'CLAUDE_CODE_USE_FOUNDRY', names: ['AZURE_*'] },
  ],
  env: ({ permissions }) => ({
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    // As root, claude takes --dangerously-skip-permissions only if a variable says that the machine is a sandbox.
    ...(permissions === 'auto' && { IS_SANDBOX: '1' }),
  }),
  output: { format: 'json-lines', read, events, terminal: true, worked },
};
