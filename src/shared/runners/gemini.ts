import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { ProviderLimit } from '../run.js';
import type { AgentEvent } from '../transcript/event.js';
import { toolCall, toolResult } from '../transcript/tool.js';
import { ifGiven, jsonFile, serversAs, systemPromptFile } from './given-files.js';
import { failureWith, statusIn } from './http-status.js';
import { count, part, truth, words } from './lenient.js';
import type { Findings, ProgramInput, Runner } from './runner.js';
import { endEvents, sessionStarted } from './session-events.js';

const message = z.object({
  type: z.string(),
  session_id: words,
  role: words,
  content: words,
  status: words,
  model: words,
  delta: truth,
  severity: words,
  message: words,
  tool_name: words,
  tool_id: words,
  parameters: z.unknown().optional(),
  output: z.unknown().optional(),
  error: part({ message: words }),
  stats: part({ input_tokens: count, output_tokens: count, cached: count }),
});
type Message = z.infer<typeof message>;

/** `[API Error: {"error":{"code":401,...}}]`: the provider's own answer, in words. */
const CODE_OF_PROVIDER = /"code":\s*(\d{3})\b/;

const usageIn = ({ stats }: Message) =>
  omitUndefined({
    inputTokens: stats?.input_tokens,
    outputTokens: stats?.output_tokens,
    cachedInputTokens: stats?.cached,
  });

function failureIn({ status, error }: Message) {
  if (status === 'success') return undefined;
  const text = error?.message || 'gemini reported an error';
  return failureWith(text, statusIn(text, CODE_OF_PROVIDER));
}

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, session_id: sessionId, role, content } = parsed.data;
  if (type === 'init') return sessionId ? { sessionId } : undefined;
  // The result line has no text: what the model said after its last tool is the result.
  if (type === 'tool_use') return { result: '' };
  if (type === 'message') return role === 'assistant' && content ? { resultPart: content } : undefined;
  return type === 'result' ? { ended: true, usage: usageIn(parsed.data), ...failureIn(parsed.data) } : undefined;
}

function worked(value: unknown): boolean {
  const { type, role } = message.safeParse(value).data ?? {};
  return type === 'tool_use' || (type === 'message' && role === 'assistant');
}

function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = message.safeParse(value);
  switch (line?.type) {
    case 'init': {
      const { session_id: sessionId, model } = line;
      return sessionStarted({ sessionId, model });
    }
    case 'message': {
      if (line.content === undefined) return undefined;
      if (line.role !== 'assistant') return []; // the prompt
      return [{ type: 'text', text: line.content, ...(line.delta && { delta: true }) }];
    }
    case 'tool_use':
      return [toolCall(line.tool_name ?? 'tool', line.parameters, { toolCallId: line.tool_id })];
    case 'tool_result':
      return [
        toolResult(line.status === 'success', line.output ?? line.error?.message ?? '', { toolCallId: line.tool_id }),
      ];
    case 'error':
      return [{ type: 'error', message: line.message ?? 'gemini reported an error', transient: true }];
    case 'result':
      return endEvents('run', usageIn(line), failureIn(line));
    default:
      return undefined;
  }
}

/** The exit code is the HTTP status of the provider, of which a process keeps the low byte; 41 is its own. */
const AUTH_EXITS = [41, 401 & 0xff, 403 & 0xff];
const RATE_LIMIT_EXIT = 429 & 0xff;

/** `Attempt 1 failed with status 429. Retrying with backoff...`, `Attempt 2 failed: Quota exceeded. Retrying after 5000ms...` */
const RETRY = /^Attempt (\d+) failed(?: with |: )?(.*)\. Retrying (?:after (\d+)ms|with backoff)\.\.\./;

/** It waits for a provider for minutes, of which its messages on stdout tell nothing. */
function limitOnStderr(line: string): ProviderLimit | undefined {
  const [, attempt, why, afterMs] = RETRY.exec(line) ?? [];
  if (attempt === undefined) return undefined;
  const retryAfterMs = afterMs === undefined ? undefined : Number(afterMs);
  return {
    message: why || 'the provider did not answer',
    attempt: Number(attempt),
    ...omitUndefined({ retryAfterMs }),
  };
}

const SETTINGS = 'settings.json';
/** A prompt of its own in place of gemini's would also take away what that says about the tools. */
const SYSTEM_PROMPT = 'GEMINI.md';

/**
 * Laid over those of the user: gemini takes settings from elsewhere only where they, and all directories above, belong to
 * root, and says so in a warning.
 */
function settingsFor(request: ProgramInput) {
  const mcpServers = serversAs(request, { program: (server) => server, remote: (server) => server });
  return {
    general: {
      enableAutoUpdate: false,
      enableAutoUpdateNotification: false,
      // Its clean-up at the start deletes a session, and not only an old one, that was resumed in a later minute.
      sessionRetention: { enabled: false },
    },
    privacy: { usageStatisticsEnabled: false },
    ...(mcpServers && { mcpServers }),
  };
}

/** Gemini CLI, `@google/gemini-cli` 0.61. */
export const gemini: Runner<'gemini'> = {
  name: 'gemini',
  title: 'Gemini CLI',
  command: 'gemini',
  provider: 'gcp.gemini',
  memoryMib: 390,
  install: 'npm install -g @google/gemini-cli',
  versionArgs: ['--version'],
  testedVersion: '0.61.0',
  modes: ['plan'],
  args: ({ mode, permissions, model, systemPrompt, filesDirectory }) => [
    '--output-format',
    'stream-json',
    '--approval-mode',
    mode ?? (permissions === 'auto' ? 'yolo' : 'default'),
    // It does not run at all in a directory that was not declared trusted in its own user interface.
    '--skip-trust',
    ...ifGiven(model, (name) => ['--model', name]),
    ...ifGiven(systemPrompt, () => ['--include-directories', filesDirectory]),
  ],
  stdin: ({ prompt }) => prompt,
  files: (request) => [
    { ...jsonFile(SETTINGS, settingsFor(request)), over: { folder: '.gemini', kept: ['tmp', 'history'] } },
    ...systemPromptFile(request, SYSTEM_PROMPT),
  ],
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--resume', sessionId],
  inherits: [
    ...[
      'GEMINI_API_KEY',
      'GEMINI_API_KEY_AUTH_MECHANISM',
      'GEMINI_DEFAULT_AUTH_TYPE',
      'GEMINI_MODEL',
      'GEMINI_SANDBOX*',
    ],
    ...['GEMINI_CLI_CUSTOM_HEADERS', 'GOOGLE_API_KEY', 'GOOGLE_GEMINI_BASE_URL', 'GOOGLE_VERTEX_BASE_URL'],
    ...[
      'GOOGLE_CLOUD_PROJECT',
      'GOOGLE_CLOUD_PROJECT_ID',
      'GOOGLE_CLOUD_LOCATION',
      'GOOGLE_GENAI_*',
      'SEATBELT_PROFILE',
    ],
    { where: 'GOOGLE_GENAI_USE_VERTEXAI', names: ['GOOGLE_APPLICATION_CREDENTIALS'] },
  ],
  env: (request) => ({
    GEMINI_CLI_HOME: request.filesDirectory,
    // Else it starts itself a second time: twice the time and memory, and a wrapper that swallows SIGTERM.
    GEMINI_CLI_NO_RELAUNCH: 'true',
    GEMINI_TELEMETRY_ENABLED: 'false',
    NO_COLOR: '1',
  }),
  failureKind: (exitCode) => {
    if (AUTH_EXITS.includes(exitCode)) return 'auth';
    return exitCode === RATE_LIMIT_EXIT ? 'rate_limit' : undefined;
  },
  output: { format: 'json-lines', read, events, terminal: true, worked, limitOnStderr },
};
