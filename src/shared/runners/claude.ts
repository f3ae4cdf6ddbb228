import { z } from 'zod';
import { ifGiven, jsonFile, pathOf, serversAs } from './given-files.js';
import { failureWith, kindOfStatus } from './http-status.js';
import { count, words } from './lenient.js';
import type { Findings, Runner, RunRequest } from './runner.js';
import { spentOf, streamJson } from './stream-json.js';

/** A field of another shape than today's is passed over; only with another `is_error` the whole line means nothing. */
const message = streamJson.extend({
  is_error: z.boolean().optional(),
  attempt: count,
  error: words,
  error_status: count,
  api_error_status: count,
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

function readRetry({ attempt = 0, error, error_status: status }: Message): Findings | undefined {
  if (kindOfStatus(status) !== 'auth' || attempt < AUTH_ATTEMPTS) return undefined;
  return { hopeless: true, errorKind: 'auth', error: `${error ?? 'the credentials were refused'} (HTTP ${status})` };
}

/** Not `total_cost_usd`: where a session was resumed that holds what its earlier runs cost, too. */
function costOf({ model_usage_since_last_result: byModel }: Message): number | undefined {
  return byModel && Object.values(byModel).reduce((sum, { costUSD }) => sum + costUSD, 0);
}

function readResult(last: Message): Findings {
  const costUsd = costOf(last);
  const usage = { ...spentOf(last), ...(costUsd !== undefined && { costUsd }) };
  // `subtype` says "success" even when the API refused; only `is_error` can be trusted.
  if (!last.is_error) return { ended: true, usage, ...(last.result !== undefined && { result: last.result }) };
  const error = last.result || last.errors?.join('\n') || last.subtype || 'claude reported an error';
  return { ended: true, usage, ...failureWith(error, NO_LOGIN.test(error) ? 401 : last.api_error_status) };
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

/** --dangerously-skip-permissions wins over a permission mode, so only one of them is given. */
function permissionArgs({ permissions, mode }: RunRequest): string[] {
  if (mode !== undefined) return ['--permission-mode', mode];
  return permissions === 'auto' ? ['--dangerously-skip-permissions'] : ['--permission-mode', 'dontAsk'];
}

/** A resumed session sends the system prompt of its first request unless it is told not to. */
const systemPromptArgs = (request: RunRequest) => [
  '--append-system-prompt-file',
  pathOf(request, SYSTEM_PROMPT),
  ...(request.resume ? ['--system-prompt-snapshot', 'off'] : []),
];

const SYSTEM_PROMPT = 'system-prompt.md';
const MCP = 'mcp.json';
const servers = (request: RunRequest) =>
  serversAs(request, { program: (server) => server, remote: (server) => server });

const said = z.object({ type: z.literal('assistant'), message: z.object({ model: words }) });

/** What the provider refused is told as if a model had said it, one of this name. */
function worked(value: unknown): boolean {
  const { data } = said.safeParse(value);
  return data !== undefined && data.message.model !== '<synthetic>';
}

/** Claude Code, `@anthropic-ai/claude-code` 2.1. */
export const claude: Runner<'claude'> = {
  name: 'claude',
  title: 'Claude Code',
  command: 'claude',
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
  files: (request) => [
    ...ifGiven(request.systemPrompt, (content) => [{ name: SYSTEM_PROMPT, content }]),
    ...ifGiven(servers(request), (mcpServers) => [jsonFile(MCP, { mcpServers })]),
  ],
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--resume', sessionId],
  env: ({ permissions }) => ({
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    // As root, claude takes --dangerously-skip-permissions only from somebody who says that the machine is a sandbox.
    ...(permissions === 'auto' && { IS_SANDBOX: '1' }),
  }),
  output: { format: 'json-lines', read, terminal: true, worked },
};
