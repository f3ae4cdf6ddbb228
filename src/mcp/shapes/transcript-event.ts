import { z } from 'zod';

/** What a program gives to a tool; the transcript brings anything else than an object into one. */
const anyJson = z.unknown().meta({ type: 'object', additionalProperties: true });

const TYPES = [
  'text',
  'thinking',
  'tool_call',
  'tool_result',
  'file_change',
  'usage',
  'limit',
  'error',
  'status',
  'raw',
] as const;

const words = z.string().optional();
const amount = z.number().optional();

/** An event of a transcript, as callers see it: which of the members it has depends on its type. */
export const transcriptEventShape = z.object({
  type: z.enum(TYPES),
  stream: z.enum(['stdout', 'stderr']),
  offset: z.number().int().describe('Of the first byte that tells it, in its stream'),
  end: z.number().int().describe('After the last byte that tells it'),
  at: z.number().describe('When it was printed (ms)'),
  text: words,
  delta: z.boolean().optional().describe('A piece: it goes on where the piece before it ended'),
  toolCallId: words,
  parentToolCallId: words.describe('The call that started the sub-agent whose doing it is'),
  name: words,
  kind: words.describe(
    'Of a tool: read, edit, delete, move, search, execute, think, fetch, other; of an error: its kind',
  ),
  summary: words,
  input: anyJson.optional(),
  ok: z.boolean().optional(),
  bytes: amount.describe('The size of what a tool answered'),
  path: words,
  operation: words,
  added: amount.describe('Lines'),
  removed: amount.describe('Lines'),
  patch: words,
  of: words.describe('Whose usage it is: that of a step, the run, or its session'),
  messageId: words,
  inputTokens: amount,
  outputTokens: amount,
  cachedInputTokens: amount,
  costUsd: amount,
  message: words,
  attempt: amount,
  maxAttempts: amount,
  retryAfterMs: amount,
  resetsAt: amount,
  transient: z.boolean().optional().describe('The program goes on all the same'),
  sessionId: words,
  model: words,
});
