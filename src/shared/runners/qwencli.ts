import { z } from 'zod';
import type { AgentEvent } from '../transcript/event.js';
import { ifGiven, jsonFile, pathOf, serversAs, serversFile, systemPromptFile } from './given-files.js';
import { failureWith, statusIn } from './http-status.js';
import { part, words } from './lenient.js';
import type { Findings, ProgramInput, Runner } from './runner.js';
import { endEvents, failureEvents, sessionStarted } from './session-events.js';
import { eventsOfBlocks, said, spentOf, streamJson } from './stream-json.js';

const message = streamJson.extend({ error: part({ message: words }), model: words, qwen_code_version: words });

/** `[API Error: 401 ...]`: what the provider answered, in words. */
const STATUS = /^\[API Error: (\d{3})\b/;
/** The provider was not asked. */
const NO_LOGIN = /^(No auth type is selected|Missing API key)\b/;

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, subtype, session_id: sessionId, is_error: failed, result } = parsed.data;
  if (type === 'system') return subtype === 'init' && sessionId ? { sessionId } : undefined;
  if (type !== 'result' || failed === undefined) return undefined;
  return {
    ended: true,
    usage: spentOf(parsed.data),
    ...(failureIn(parsed.data) ?? (result !== undefined && { result })),
  };
}

function failureIn({ is_error: failed, error, result, subtype }: z.infer<typeof message>) {
  return failed ? failure(error?.message || result || subtype || 'qwen reported an error') : undefined;
}

const failure = (text: string) => failureWith(text, NO_LOGIN.test(text) ? 401 : statusIn(text, STATUS));

const answer = z.object({
  type: z.literal('assistant'),
  message: z.object({ content: z.array(z.object({ text: words })) }),
});

/** What the provider refused is told as if the model had said it. */
function worked(value: unknown): boolean {
  const { data } = answer.safeParse(value);
  return data?.message.content.some(({ text = '' }) => !STATUS.test(text)) ?? false;
}

function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = message.safeParse(value);
  if (line?.type === 'stream_event') return []; // how a goal is getting on, or pieces of what comes whole, too
  if (line?.type === 'system' && line.subtype === 'init') {
    const { session_id: sessionId, model, qwen_code_version: version } = line;
    return sessionStarted({ sessionId, model, version });
  }
  if (line?.type === 'result') return endEvents('session', spentOf(line), failureIn(line));
  const { data } = said.safeParse(value);
  return (
    data &&
    eventsOfBlocks(data).flatMap((event) =>
      event.type === 'text' && STATUS.test(event.text) ? failureEvents(failure(event.text)) : [event],
    )
  );
}

const MCP = 'mcp.json';
const SETTINGS = 'settings.json';
const DEFAULTS = 'defaults.json';

/** It tells streamed HTTP from server-sent events by the name of the member. */
const servers = (request: ProgramInput) =>
  serversAs<object, object>(request, {
    program: (server) => server,
    remote: ({ type, url, headers }) => ({ [type === 'sse' ? 'url' : 'httpUrl']: url, headers }),
  });

/** Settings of the system, which win over those of the user. */
const QUIET = { general: { enableAutoUpdate: false }, privacy: { usageStatisticsEnabled: false } };

/** It reads instructions from the directories that it is given besides its own. */
const READ_INCLUDED = { context: { loadFromIncludeDirectories: true } };
const SYSTEM_PROMPT = 'QWEN.md';

/** What the user's settings win over: without any it would not even look for a key in its environment. */
const KEY_FROM_ENVIRONMENT = { security: { auth: { selectedType: 'openai' } } };

/** Qwen Code, `@qwen-code/qwen-code` 0.24. */
export const qwencli: Runner<'qwencli'> = {
  name: 'qwencli',
  title: 'Qwen Code',
  command: 'qwen',
  memoryMib: 560,
  // On Node 20 npm would take an old release without a word.
  install: 'npm install -g @qwen-code/qwen-code@0.24.4   # needs Node 22',
  versionArgs: ['--version'],
  testedVersion: '0.24.4',
  modes: ['plan'],
  args: (request) => [
    '--output-format',
    'stream-json',
    '--approval-mode',
    request.mode ?? (request.permissions === 'auto' ? 'yolo' : 'default'),
    ...ifGiven(request.model, (model) => ['--model', model]),
    // There is no flag for a file with it, and a variable could only replace what qwen says about its tools.
    ...ifGiven(request.systemPrompt, () => ['--include-directories', request.filesDirectory]),
    ...ifGiven(servers(request), () => ['--mcp-config', pathOf(request, MCP)]),
  ],
  stdin: ({ prompt }) => prompt,
  files: (request) => [
    jsonFile(SETTINGS, { ...QUIET, ...(request.systemPrompt !== undefined && READ_INCLUDED) }),
    jsonFile(DEFAULTS, KEY_FROM_ENVIRONMENT),
    ...systemPromptFile(request, SYSTEM_PROMPT),
    ...serversFile(servers(request), MCP),
  ],
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--resume', sessionId],
  inherits: [
    ...['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_MODEL', 'DASHSCOPE_API_KEY', 'BAILIAN_CODING_PLAN_API_KEY'],
    ...['ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'ANTHROPIC_MODEL', 'GEMINI_API_KEY', 'GEMINI_MODEL'],
    ...['QWEN_HOME', 'QWEN_MODEL', 'QWEN_DEFAULT_AUTH_TYPE', 'QWEN_SANDBOX*', 'TAVILY_API_KEY'],
  ],
  env: (request) => ({
    QWEN_CODE_SYSTEM_SETTINGS_PATH: pathOf(request, SETTINGS),
    QWEN_CODE_SYSTEM_DEFAULTS_PATH: pathOf(request, DEFAULTS),
    QWEN_CODE_SUPPRESS_YOLO_WARNING: '1',
    QWEN_CODE_NO_RELAUNCH: 'true',
    NO_COLOR: '1',
  }),
  usageOf: 'session',
  output: { format: 'json-lines', read, events, terminal: true, worked },
};
