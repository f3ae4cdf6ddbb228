import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { AgentEvent } from '../transcript/event.js';
import { patchedFile } from '../transcript/patch.js';
import { toolCall, toolResult } from '../transcript/tool.js';
import { ifGiven, jsonFile, pathOf, serversAs, systemPromptFile } from './given-files.js';
import { failureWith } from './http-status.js';
import { count, parsedAs, part, words } from './lenient.js';
import { MODEL_PROVIDERS } from './model-providers.js';
import type { Findings, ProgramInput, RunInList, Runner } from './runner.js';
import { endEvents, failureEvents } from './session-events.js';

const message = z.object({
  type: z.string(),
  sessionID: words,
  part: part({
    text: words,
    reason: words,
    tool: words,
    callID: words,
    state: part({
      status: words,
      input: z.unknown().optional(),
      output: words,
      error: words,
      title: words,
      metadata: z.unknown().optional(),
    }),
    cost: count,
    tokens: part({ input: count, output: count, cache: part({ read: count }) }),
  }),
  error: z
    .union([z.string(), z.object({ name: words, data: part({ message: words, statusCode: count }) })])
    .optional()
    .catch(undefined),
});
type Message = z.infer<typeof message>;

function failureIn(error: Message['error']) {
  if (typeof error === 'string') return { error: error || 'an error without a message' };
  const { name, data } = error ?? {};
  return failureWith(data?.message || name || 'an error without a message', data?.statusCode);
}

const usageIn = ({ part: step }: Message) =>
  omitUndefined({
    inputTokens: step?.tokens?.input,
    outputTokens: step?.tokens?.output,
    cachedInputTokens: step?.tokens?.cache?.read,
    costUsd: step?.cost,
  });

function readStep(line: Message): Findings {
  const { reason } = line.part ?? {};
  // There is no event for the end: it is the step after which no tool is called. One whose tool was refused is the
  // last one, too, but then the work was not done.
  return { usage: usageIn(line), ...(reason !== undefined && reason !== 'tool-calls' && { ended: true }) };
}

function learn(line: Message): Findings | undefined {
  if (line.type === 'text') return omitUndefined({ result: line.part?.text });
  if (line.type === 'step_finish') return readStep(line);
  return line.type === 'error' ? failureIn(line.error) : undefined;
}

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { sessionID: sessionId } = parsed.data;
  return { ...(sessionId && { sessionId }), ...learn(parsed.data) };
}

const change = z.object({ file: words, additions: count, deletions: count, filePath: words, type: words, diff: words });
/** What its tools for files say of what they did. */
const changes = z.object({
  diff: words,
  filediff: change.optional().catch(undefined),
  files: z.array(change).optional().catch(undefined),
});
const OPERATIONS: Readonly<Record<string, 'add' | 'update' | 'delete'>> = {
  add: 'add',
  update: 'update',
  move: 'update',
  delete: 'delete',
};

function changesIn(metadata: unknown): AgentEvent[] {
  const { diff, filediff, files } = changes.safeParse(metadata).data ?? {};
  if (files) return files.flatMap((file) => patched(file.filePath, file.diff, file.type));
  return patched(filediff?.file, diff);
}

function patched(path: string | undefined, diff: string | undefined, type?: string): AgentEvent[] {
  return path === undefined || diff === undefined ? [] : [patchedFile(path, diff, OPERATIONS[type ?? 'update'])];
}

function eventsOfTool({ tool = 'tool', callID: toolCallId, state }: NonNullable<Message['part']>): AgentEvent[] {
  const call = toolCall(tool, state?.input, { toolCallId });
  if (state?.status !== 'completed' && state?.status !== 'error') return [call];
  const result = toolResult(state.status === 'completed', state.output ?? state.error ?? '', { toolCallId });
  return [call, result, ...changesIn(state.metadata)];
}

function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = message.safeParse(value);
  const text = line?.part?.text;
  switch (line?.type) {
    case 'text':
      return text === undefined ? undefined : [{ type: 'text', text }];
    case 'reasoning':
      return text === undefined ? undefined : [{ type: 'thinking', text }];
    case 'tool_use':
      return line.part && eventsOfTool(line.part);
    case 'step_start':
      return [];
    case 'step_finish':
      return endEvents('step', usageIn(line), undefined);
    case 'error':
      return failureEvents(failureIn(line.error));
    default:
      return undefined;
  }
}

/** It prints nothing before the first output of a model, but it has the session, and its title, from the start. */
const titleOf = (runId: string) => `agentpool ${runId}`;
const sessions = z.array(z.object({ id: z.string(), title: words }));

function findSession(listed: string, { runId }: RunInList): string | undefined {
  return parsedAs(sessions, listed)?.find(({ title }) => title === titleOf(runId))?.id;
}

/** Nothing is printed before the model answers, but errors. */
function worked(value: unknown): boolean {
  const { data } = message.safeParse(value);
  return data !== undefined && data.type !== 'error';
}

const CONFIG = 'config.json';
const SYSTEM_PROMPT = 'system-prompt.md';

/** What the profile of an agent adds to the configuration; undefined where that is nothing. */
function configFor(request: ProgramInput): object | undefined {
  const mcp = serversAs<object, object>(request, {
    program: ({ command, args, env }) => ({ type: 'local', command: [command, ...args], environment: env }),
    remote: ({ url, headers }) => ({ type: 'remote', url, headers }),
  });
  const instructions = request.systemPrompt === undefined ? undefined : [pathOf(request, SYSTEM_PROMPT)];
  return mcp || instructions ? { ...(instructions && { instructions }), ...(mcp && { mcp }) } : undefined;
}

/** opencode and its forks, which differ in their names and agents only. */
export function opencodeKin<Name extends string>(
  own: Pick<Runner<Name>, 'title' | 'install' | 'testedVersion' | 'modes' | 'memoryMib'> & {
    name: Name;
    prefix: string;
    lookAfterMs: readonly number[];
  },
): Runner<Name> {
  const { prefix, lookAfterMs, ...facts } = own;
  return {
    ...facts,
    command: own.name,
    versionArgs: ['--version'],
    args: ({ runId, resume, permissions, path, model, mode }) => [
      'run',
      '--format',
      'json',
      ...(permissions === 'auto' ? ['--auto'] : []),
      // A session that is resumed from elsewhere hangs for ever without this.
      '--dir',
      path,
      ...(resume ? [] : ['--title', titleOf(runId)]),
      ...ifGiven(model, (name) => ['--model', name]),
      ...ifGiven(mode, (agent) => ['--agent', agent]),
    ],
    stdin: ({ prompt }) => prompt,
    files: (request) =>
      ifGiven(configFor(request), (config) => [jsonFile(CONFIG, config), ...systemPromptFile(request, SYSTEM_PROMPT)]),
    sessionLookup: {
      afterMs: lookAfterMs,
      args: ['session', 'list', '--format', 'json', '-n', '100'],
      read: findSession,
    },
    resumeArgs: (sessionId) => ['--session', sessionId],
    inherits: [
      ...['CONFIG*', 'DISABLE_*', 'ENABLE_*', 'EXPERIMENTAL*', 'MODELS_*', 'API_KEY', 'PERMISSION', 'AUTH_CONTENT'].map(
        (rest) => `${prefix}_${rest}`,
      ),
      ...MODEL_PROVIDERS,
    ],
    env: (request) => ({
      ...(configFor(request) && { [`${prefix}_CONFIG`]: pathOf(request, CONFIG) }),
      [`${prefix}_DISABLE_AUTOUPDATE`]: '1',
      [`${prefix}_DISABLE_SHARE`]: '1',
      [`${prefix}_DISABLE_LSP_DOWNLOAD`]: '1',
      [`${prefix}_DISABLE_TERMINAL_TITLE`]: '1',
      NO_COLOR: '1',
    }),
    output: { format: 'json-lines', read, events, terminal: true, worked },
  };
}
