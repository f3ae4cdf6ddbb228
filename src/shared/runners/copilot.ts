import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { AgentEvent } from '../transcript/event.js';
import { patchedFile } from '../transcript/patch.js';
import { toolCall, toolResult } from '../transcript/tool.js';
import { ifGiven, pathOf, serversAs, serversFile, systemPromptFile } from './given-files.js';
import { failureWith } from './http-status.js';
import { count, part, truth, words } from './lenient.js';
import type { Findings, ProgramInput, Runner } from './runner.js';
import { endEvents, failureEvents, sessionStarted } from './session-events.js';

const message = z.object({
  type: z.string(),
  sessionId: words,
  exitCode: count,
  data: part({
    content: words,
    message: words,
    statusCode: count,
    toolRequests: z.array(z.unknown()).optional().catch(undefined),
    parentToolCallId: words,
    reasoningText: words,
    toolCallId: words,
    toolName: words,
    arguments: z.unknown().optional(),
    success: truth,
    result: part({ content: z.unknown().optional(), detailedContent: words }),
    error: part({ message: words }),
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    newModel: words,
  }),
  usage: part({ codeChanges: part({ filesModified: z.array(z.string()).optional().catch(undefined) }) }),
});
type Message = z.infer<typeof message>;
type Data = NonNullable<Message['data']>;

const failureIn = (data: Data | undefined) =>
  failureWith(data?.message || 'copilot reported an error', data?.statusCode);

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, sessionId, exitCode, data } = parsed.data;
  // What it says before it calls a tool, and what its helpers say to it, is not its answer.
  if (type === 'assistant.message' && data?.content !== undefined && !data.toolRequests?.length)
    return data.parentToolCallId === undefined ? { result: data.content } : undefined;
  if (type === 'session.error') return failureIn(data);
  if (type !== 'result') return undefined;
  return { ...(sessionId && { sessionId }), ...(exitCode !== undefined && { ended: true }) };
}

function worked(value: unknown): boolean {
  const { type = '' } = message.safeParse(value).data ?? {};
  return type.startsWith('assistant.message') || type.startsWith('tool.');
}

function eventsOfMessage({ content, reasoningText, parentToolCallId }: Data): AgentEvent[] {
  const under = omitUndefined({ parentToolCallId });
  return [
    ...(reasoningText ? [{ type: 'thinking' as const, text: reasoningText, ...under }] : []),
    ...(content ? [{ type: 'text' as const, text: content, ...under }] : []),
  ];
}

/** `diff --git a/src/one.ts b/src/one.ts`: its tools for files show what they did in this form. */
const DIFF = /^diff --git a\/.* b\/(.*)$/m;

function eventsOfResult({ toolCallId, parentToolCallId, success, result, error }: Data): AgentEvent[] {
  const output = result?.content ?? error?.message ?? '';
  const patch = result?.detailedContent ?? '';
  const path = DIFF.exec(patch)?.[1];
  return [
    toolResult(success === true, output, { toolCallId, parentToolCallId }),
    ...(path === undefined ? [] : [patchedFile(path, patch)]),
  ];
}

/** Its books: turns, calls of the model, what was loaded, and pieces of messages that come whole, too. */
const QUIET =
  /^(user\.message|model\.|assistant\.(turn_|message_start|message_delta|reasoning|idle|intent|streaming)|session\.(skills|mcp|tools|idle|background|title|custom|extensions|usage|permissions)|tool\.execution_(progress|partial)|hook\.|permission\.|pending_|system\.|commands?\.)/;

function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = message.safeParse(value);
  if (!line) return undefined;
  const { type, data = {} as Data } = line;
  switch (type) {
    case 'session.start':
    case 'session.resume':
      return sessionStarted({});
    case 'session.model_change':
      return [
        { type: 'status', message: `model ${data.newModel ?? 'changed'}`, ...omitUndefined({ model: data.newModel }) },
      ];
    case 'session.info':
    case 'session.warning':
      return [{ type: 'status', message: data.message ?? type }];
    case 'session.error':
      return failureEvents(failureIn(data));
    case 'assistant.message':
      return eventsOfMessage(data);
    case 'assistant.usage':
      return endEvents(
        'step',
        omitUndefined({
          inputTokens: data.inputTokens,
          outputTokens: data.outputTokens,
          cachedInputTokens: data.cacheReadTokens,
        }),
        undefined,
      );
    case 'tool.execution_start':
      return [
        toolCall(data.toolName ?? 'tool', data.arguments, {
          toolCallId: data.toolCallId,
          parentToolCallId: data.parentToolCallId,
        }),
      ];
    case 'tool.execution_complete':
      return eventsOfResult(data);
    case 'result': {
      const { sessionId } = line;
      const changed = line.usage?.codeChanges?.filesModified ?? [];
      return [
        ...changed.map((path) => ({ type: 'file_change' as const, path })),
        { type: 'status', message: 'session ended', ...omitUndefined({ sessionId }) },
      ];
    }
    default:
      return QUIET.test(type) ? [] : undefined;
  }
}

const MCP = 'mcp.json';
/** An AGENTS.md in the folder of instructions would only be named to the model. */
const SYSTEM_PROMPT = 'system-prompt.instructions.md';

const servers = (request: ProgramInput) =>
  serversAs<object, object>(request, {
    program: (server) => ({ type: 'local', ...server, tools: ['*'] }),
    remote: (server) => ({ ...server, tools: ['*'] }),
  });

/** GitHub Copilot CLI, `@github/copilot` 1.0. It does not tell tokens. */
export const copilot: Runner<'copilot'> = {
  name: 'copilot',
  title: 'GitHub Copilot CLI',
  command: 'copilot',
  memoryMib: 550,
  install: 'npm install -g @github/copilot',
  versionArgs: ['--version'],
  testedVersion: '1.0.102',
  modes: ['plan', 'autopilot'],
  args: (request) => [
    '--output-format',
    'json',
    ...(request.permissions === 'auto' ? ['--allow-all-tools', '--allow-all-paths', '--allow-all-urls'] : []),
    '--no-ask-user',
    '--no-auto-update',
    '--no-remote',
    ...ifGiven(request.mode, (mode) => ['--mode', mode]),
    ...ifGiven(request.model, (model) => ['--model', model]),
    ...ifGiven(servers(request), () => ['--additional-mcp-config', `@${pathOf(request, MCP)}`]),
  ],
  stdin: ({ prompt }) => prompt,
  files: (request) => [...systemPromptFile(request, SYSTEM_PROMPT), ...serversFile(servers(request), MCP)],
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--resume', sessionId],
  inherits: [
    ...['COPILOT_GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_TOKEN', 'GH_HOST'],
    ...['COPILOT_PROVIDER_*', 'COPILOT_MODEL', 'COPILOT_HOME', 'COPILOT_OFFLINE'],
  ],
  env: ({ systemPrompt, filesDirectory }) => ({
    ...(systemPrompt !== undefined && { COPILOT_CUSTOM_INSTRUCTIONS_DIRS: filesDirectory }),
    COPILOT_AUTO_UPDATE: 'false',
    NO_COLOR: '1',
  }),
  output: { format: 'json-lines', read, events, terminal: true, worked },
};
