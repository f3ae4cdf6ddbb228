import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { AgentEvent } from '../transcript/event.js';
import { toolCall, toolResult } from '../transcript/tool.js';
import { ifGiven, pathOf, serversAs, serversFile, systemPromptFile } from './given-files.js';
import { kindOfStatus } from './http-status.js';
import { count, parsedAs, part, truth, words } from './lenient.js';
import { MODEL_PROVIDERS } from './model-providers.js';
import type { Findings, ProgramInput, RunInList, Runner } from './runner.js';
import { endEvents, failureEvents } from './session-events.js';

const message = z.object({
  type: z.string(),
  message: words,
  finishReason: words,
  text: words,
  reason: words,
  usage: part({ inputTokens: count, outputTokens: count, cacheReadTokens: count, totalCost: count }),
  event: part({
    type: words,
    errorClass: words,
    recoverable: truth,
    error: z
      .union([z.string(), z.object({ message: words })])
      .optional()
      .catch(undefined),
    contentType: words,
    text: words,
    reasoning: words,
    toolName: words,
    toolCallId: words,
    input: z.unknown().optional(),
    output: z.unknown().optional(),
    message: words,
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    cost: count,
  }),
});
type Message = z.infer<typeof message>;
type Event = NonNullable<Message['event']>;

const STATUS_OF_CLASS: Readonly<Record<string, number>> = { auth: 401, rate_limit: 429 };

/** The last line only repeats the words of the provider; what kind of error they are is said here. */
function failureOf(event: Event) {
  const errorKind = kindOfStatus(STATUS_OF_CLASS[event.errorClass ?? '']);
  return { error: wordsIn(event.error) || 'cline reported an error', ...(errorKind && { errorKind }) };
}
const wordsIn = (error: Event['error']) => (typeof error === 'object' ? error.message : error);

function readEvent({ event }: Message): Findings | undefined {
  return event?.type === 'error' && event.recoverable === false ? failureOf(event) : undefined;
}

const usageIn = ({ usage: spent }: Message) =>
  omitUndefined({
    inputTokens: spent?.inputTokens,
    outputTokens: spent?.outputTokens,
    cachedInputTokens: spent?.cacheReadTokens,
    costUsd: spent?.totalCost,
  });

function failureIn({ finishReason, text }: Message) {
  if (finishReason === 'completed') return undefined;
  return { error: text || `cline ended its work: ${finishReason || 'it did not say why'}` };
}

function readResult(line: Message): Findings {
  return { ended: true, usage: usageIn(line), ...(failureIn(line) ?? omitUndefined({ result: line.text })) };
}

const abortIn = ({ reason }: Message) => ({ error: `cline gave up: ${reason || 'it did not say why'}` });

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  switch (parsed.data.type) {
    case 'agent_event':
      return readEvent(parsed.data);
    case 'run_result':
      return readResult(parsed.data);
    case 'run_aborted':
      return { ended: true, ...abortIn(parsed.data) };
    case 'error':
      return { error: parsed.data.message || 'cline reported an error' };
    default:
      return undefined;
  }
}

function eventsOfEvent(event: Event): AgentEvent[] | undefined {
  const { type, contentType, toolCallId } = event;
  if (type === 'error')
    return failureEvents(failureOf(event)).map((one) =>
      event.recoverable ? { ...one, transient: true as const } : one,
    );
  if (type === 'usage') {
    const { inputTokens, outputTokens, cacheReadTokens: cachedInputTokens, cost: costUsd } = event;
    return endEvents('step', omitUndefined({ inputTokens, outputTokens, cachedInputTokens, costUsd }), undefined);
  }
  if (type === 'notice' && event.message) return [{ type: 'status', message: event.message }];
  if (contentType === 'tool') {
    if (type === 'content_start') return [toolCall(event.toolName ?? 'tool', event.input, { toolCallId })];
    if (type === 'content_end') return [toolResult(isGood(event), outputIn(event), { toolCallId })];
  }
  if (type === 'content_end' && contentType === 'text' && event.text !== undefined)
    return [{ type: 'text', text: event.text }];
  const thought = event.reasoning ?? event.text;
  if (type === 'content_end' && contentType === 'reasoning' && thought) return [{ type: 'thinking', text: thought }];
  return QUIET_EVENTS.test(type ?? '') ? [] : undefined;
}
/** The pieces of what `content_end` tells whole, and what `run_result` tells again. */
const QUIET_EVENTS = /^(content_start|content_update|content_end|iteration_start|iteration_end|done)$/;

const answers = z.array(z.object({ result: words, error: words, success: truth }));

/** A tool for several commands answers with one object for each. */
function outputIn({ output, error }: Event): unknown {
  const { data } = answers.safeParse(output);
  if (data && data.length > 0) return data.map(({ result, error: wrong }) => result ?? wrong ?? '').join('\n');
  return output ?? wordsIn(error) ?? '';
}

const isGood = ({ output, error }: Event) =>
  !error && (answers.safeParse(output).data ?? []).every(({ success }) => success !== false);

function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = message.safeParse(value);
  switch (line?.type) {
    case 'agent_event':
      return line.event && eventsOfEvent(line.event);
    case 'hook_event':
      return [];
    case 'run_result':
      return endEvents('run', usageIn(line), failureIn(line));
    case 'run_aborted':
      return failureEvents(abortIn(line));
    case 'error':
      return failureEvents({ error: line.message || 'cline reported an error' });
    default:
      return undefined;
  }
}

const sessions = z.array(z.object({ sessionId: z.string(), pid: count, cwd: words }));

/** It never prints its session. A later run may have got the same pid; the latest session is the first one. */
function findSession(listed: string, run: RunInList): string | undefined {
  const ours = parsedAs(sessions, listed)?.find(({ pid, cwd }) => pid === run.pid && cwd === run.path);
  return ours?.sessionId;
}

function worked(value: unknown): boolean {
  return message.safeParse(value).data?.event?.type === 'content_start';
}

const MCP = 'mcp.json';
const servers = (request: ProgramInput) =>
  serversAs<object, object>(request, {
    program: (server) => ({ transport: { type: 'stdio', ...server } }),
    remote: ({ type, url, headers }) => ({
      transport: { type: type === 'http' ? 'streamableHttp' : type, url, headers },
    }),
  });

/**
 * Its flag for a system prompt would show it in `ps`, and replace its own. Rules it takes from several folders, one of them named
 * by a variable; those of the user and of the project stay.
 */
const RULES = 'Documents/Cline/Rules/agentpool.md';

/**
 * Cline CLI, `cline` 3.0. It takes stdin only together with a prompt, which has to be of several words, and it cannot
 * resume: giving it a session makes it interactive.
 */
export const cline: Runner<'cline'> = {
  name: 'cline',
  title: 'Cline CLI',
  command: 'cline',
  memoryMib: 690,
  install: 'npm install -g cline',
  versionArgs: ['--version'],
  testedVersion: '3.0.65',
  modes: ['act', 'plan'],
  args: (request) => [
    '--json',
    '--auto-approve',
    String(request.permissions === 'auto'),
    ...(request.mode === 'plan' ? ['--plan'] : []),
    '--cwd',
    request.path,
    ...ifGiven(request.model, (model) => ['--model', model]),
    'Do this:',
  ],
  stdin: ({ prompt }) => prompt,
  files: (request) => [...systemPromptFile(request, RULES), ...serversFile(servers(request), MCP)],
  inherits: ['CLINE_*', ...MODEL_PROVIDERS],
  env: (request) => ({
    ...(request.systemPrompt !== undefined && { OneDriveConsumer: request.filesDirectory }),
    ...(servers(request) && { CLINE_MCP_SETTINGS_PATH: pathOf(request, MCP) }),
    // Else a daemon that several runs share stays behind, and ends with the first of them.
    CLINE_SESSION_BACKEND_MODE: 'local',
    CLINE_NO_AUTO_UPDATE: '1',
    AI_SDK_LOG_WARNINGS: 'false',
    NO_COLOR: '1',
  }),
  sessionLookup: { afterMs: [1_500, 6_000, 20_000, 60_000], args: ['history', '--json'], read: findSession },
  // After TERM it goes on for 16 seconds and more, after INT it ends at once, and its tool with it.
  endSignal: 'INT',
  output: { format: 'json-lines', read, events, terminal: true, worked },
};
