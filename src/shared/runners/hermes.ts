import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import { ifGiven } from './given-files.js';
import { failureWith, statusIn } from './http-status.js';
import { count, part, words } from './lenient.js';
import type { Findings, Runner } from './runner.js';

const message = z.object({
  type: z.string(),
  subtype: words,
  session_id: words,
  exit_code: count,
  text: words,
  error: words,
  tokens: part({ input: count, output: count, cache_read: count }),
});

/** What providers' libraries say: `Error code: 401 - {...}`, `HTTP 429: ...`. */
const STATUS = /\b(?:code|HTTP|status):? (\d{3})\b/i;

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, subtype, session_id: id, exit_code: exitCode, text, error, tokens } = parsed.data;
  const session = id ? { sessionId: id } : {};
  if (type === 'system' && subtype === 'init') return session;
  if (type !== 'result') return undefined;
  const usage = omitUndefined({
    inputTokens: tokens?.input,
    outputTokens: tokens?.output,
    cachedInputTokens: tokens?.cache_read,
  });
  if (exitCode === 0 && !error) return { ...session, ended: true, usage, ...omitUndefined({ result: text }) };
  const wrong = error || text || `hermes ended with ${exitCode ?? 'an error'}`;
  return { ...session, ended: true, usage, ...failureWith(wrong, statusIn(wrong, STATUS)) };
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
  env: ({ systemPrompt }) => ({
    ...(systemPrompt !== undefined && { HERMES_EPHEMERAL_SYSTEM_PROMPT: systemPrompt }),
    NO_COLOR: '1',
  }),
  output: { format: 'json-lines', read, terminal: true, worked },
};
