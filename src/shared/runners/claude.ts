import { z } from 'zod';
import type { Findings, Runner } from './runner.js';

const count = z.number().optional().catch(undefined);
const words = z.string().optional().catch(undefined);
/** A field of another shape than today's is passed over; only with another `is_error` the whole line means nothing. */
const message = z.object({
  type: z.string(),
  subtype: words,
  session_id: words,
  attempt: count,
  error: words,
  error_status: count,
  is_error: z.boolean().optional(),
  api_error_status: count,
  result: words,
  errors: z.array(z.string()).optional().catch(undefined),
  model_usage_since_last_result: z
    .record(z.string(), z.object({ costUSD: z.number() }))
    .optional()
    .catch(undefined),
  usage: z
    .object({ input_tokens: count, output_tokens: count, cache_read_input_tokens: count })
    .optional()
    .catch(undefined),
});
type Message = z.infer<typeof message>;

const KIND_OF_STATUS = { 401: 'auth', 403: 'auth', 429: 'rate_limit' } as const;
const kindOf = (status: number | undefined) => KIND_OF_STATUS[status as keyof typeof KIND_OF_STATUS];

/**
 * claude repeats a refused key ten times, over three minutes, as it does an overload. Only the overload can pass, so
 * the second refusal counts as the end.
 */
const AUTH_ATTEMPTS = 2;

function readRetry({ attempt = 0, error, error_status: status }: Message): Findings | undefined {
  if (kindOf(status) !== 'auth' || attempt < AUTH_ATTEMPTS) return undefined;
  return { hopeless: true, errorKind: 'auth', error: `${error ?? 'the credentials were refused'} (HTTP ${status})` };
}

/** Not `total_cost_usd`: where a session was resumed that holds what its earlier runs cost, too. */
function costOf({ model_usage_since_last_result: byModel }: Message): number | undefined {
  return byModel && Object.values(byModel).reduce((sum, { costUSD }) => sum + costUSD, 0);
}

function readResult(last: Message): Findings {
  const { usage } = last;
  const costUsd = costOf(last);
  const spent = {
    ...(usage?.input_tokens !== undefined && { inputTokens: usage.input_tokens }),
    ...(usage?.output_tokens !== undefined && { outputTokens: usage.output_tokens }),
    ...(usage?.cache_read_input_tokens !== undefined && { cachedInputTokens: usage.cache_read_input_tokens }),
    ...(costUsd !== undefined && { costUsd }),
  };
  // `subtype` says "success" even when the API refused; only `is_error` can be trusted.
  if (!last.is_error) return { ended: true, usage: spent, ...(last.result !== undefined && { result: last.result }) };
  const error = last.result || last.errors?.join('\n') || last.subtype || 'claude reported an error';
  const kind = NO_LOGIN.test(error) ? 'auth' : kindOf(last.api_error_status);
  return { ended: true, usage: spent, error, ...(kind && { errorKind: kind }) };
}

/** Without any credentials it asks no provider, so there is no status: "Not logged in · Please run /login". */
const NO_LOGIN = /Please run \/login\b/;

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, subtype, session_id: sessionId } = parsed.data;
  if (type === 'result') return readResult(parsed.data);
  if (type !== 'system') return undefined;
  if (subtype === 'api_retry') return readRetry(parsed.data);
  return subtype === 'init' && sessionId ? { sessionId } : undefined;
}

/** Claude Code, `@anthropic-ai/claude-code` 2.1. */
export const claude: Runner<'claude'> = {
  name: 'claude',
  title: 'Claude Code',
  command: 'claude',
  install: 'npm install -g @anthropic-ai/claude-code',
  versionArgs: ['--version'],
  testedVersion: '2.1.330',
  args: ({ model, permissions }) => [
    '-p',
    '--output-format',
    'stream-json',
    '--verbose',
    ...(permissions === 'auto' ? ['--dangerously-skip-permissions'] : ['--permission-mode', 'dontAsk']),
    ...(model === undefined ? [] : ['--model', model]),
  ],
  stdin: ({ prompt }) => prompt,
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--resume', sessionId],
  env: ({ permissions }) => ({
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    // As root, claude takes --dangerously-skip-permissions only from somebody who says that the machine is a sandbox.
    ...(permissions === 'auto' && { IS_SANDBOX: '1' }),
  }),
  output: { format: 'json-lines', read, terminal: true },
};
