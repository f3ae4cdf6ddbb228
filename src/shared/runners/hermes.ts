import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { AgentEvent } from '../transcript/event.js';
import { toolCall, toolResult } from '../transcript/tool.js';
import { ifGiven } from './given-files.js';
import { failureWith, statusIn } from './http-status.js';
import { count, part, truth, words } from './lenient.js';
import { MODEL_PROVIDERS } from './model-providers.js';
import type { Findings, Runner } from './runner.js';
import { endEvents, sessionStarted } from './session-events.js';

const message = z.object({
  type: z.string(),
  subtype: words,
  session_id: words,
  exit_code: count,
  text: words,
  error: words,
  model: words,
  name: words,
  tool_call_id: words,
  input: z.unknown().optional(),
  output: z.unknown().optional(),
  is_error: truth,
  tokens: part({ input: count, output: count, cache_read: count }),
});

/** What providers' libraries say: `Error code: 401 - {...}`, `HTTP 429: ...`. */
const STATUS = /\b(?:code|HTTP|status):? (\d{3})\b/i;

type Message = z.infer<typeof message>;

const usageIn = ({ tokens }: Message) =>
  omitUndefined({
    inputTokens: tokens?.input,
    outputTokens: tokens?.output,
    cachedInputTokens: tokens?.cache_read,
  });

function failureIn({ exit_code: exitCode, error, text }: Message) {
  if (exitCode === 0 && !error) return undefined;
  const wrong = error || text || `hermes ended with ${exitCode ?? 'an error'}`;
  return failureWith(wrong, statusIn(wrong, STATUS));
}

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, subtype, session_id: id, text } = parsed.data;
  const session = id ? { sessionId: id } : {};
  if (type === 'system' && subtype === 'init') return session;
  if (type !== 'result') return undefined;
  const outcome = failureIn(parsed.data) ?? omitUndefined({ result: text });
  return { ...session, ended: true, usage: usageIn(parsed.data), ...outcome };
}

function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = message.safeParse(value);
  const ids = { toolCallId: line?.tool_call_id };
  switch (line?.type) {
    case 'system': {
      if (line.subtype !== 'init') return undefined;
      const { session_id: sessionId, model } = line;
      return sessionStarted({ sessionId, model });
    }
    case 'text':
      return line.text === undefined ? undefined : [{ type: 'text', text: line.text, delta: true }];
    case 'tool_use':
      return [toolCall(line.name ?? 'tool', line.input, ids)];
    case 'tool_result':
      return [toolResult(line.is_error !== true, line.output, ids)];
    case 'result':
      return endEvents('run', usageIn(line), failureIn(line));
    default:
      return undefined;
  }
}

function worked(value: unknown): boolean {
  const { type } = message.safeParse(value).data ?? {};
  return type === 'text' || type === 'tool_use';
}

/** Hermes Agent, from 0.21.4 on: written after its documentation and its source, never run. */
export const hermes: Runner<'hermes'> = {
  name: 'hermes',
  title: 'Hermes Agent',
  command: 'hermes',
  install: 'pipx install "hermes-agent>=0.21.4"',
  note: 'written after its documentation and tested with a stand-in, never with the real program',
  versionArgs: ['--version'],
  lacks: ['mcpServers'],
  args: ({ permissions, path, model }) => [
    'chat',
    '--query-file',
    '-',
    '--format',
    'stream-json',
    ...(permissions === 'auto' ? ['--yolo', '--accept-hooks'] : []),
    // A resumed session would go back to the directory that it remembers.
    '--in',
    path,
    ...ifGiven(model, (name) => ['-m', name]),
  ],
  stdin: ({ prompt }) => prompt,
  resumeArgs: (sessionId) => ['--resume', sessionId],
  inherits: ['HERMES_HOME', 'HERMES_INFERENCE_*', ...MODEL_PROVIDERS],
  env: ({ systemPrompt }) => ({
    ...(systemPrompt !== undefined && { HERMES_EPHEMERAL_SYSTEM_PROMPT: systemPrompt }),
    NO_COLOR: '1',
  }),
  output: { format: 'json-lines', read, events, terminal: true, worked },
};
