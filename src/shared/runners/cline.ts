import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import { ifGiven, jsonFile, pathOf, serversAs } from './given-files.js';
import { kindOfStatus } from './http-status.js';
import { count, parsedAs, part, truth, words } from './lenient.js';
import type { Findings, RunInList, Runner, RunRequest } from './runner.js';

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
    error: part({ message: words }),
  }),
});
type Message = z.infer<typeof message>;

const STATUS_OF_CLASS: Readonly<Record<string, number>> = { auth: 401, rate_limit: 429 };

/** The last line only repeats the words of the provider; what kind of error they are is said here. */
function readEvent({ event }: Message): Findings | undefined {
  if (event?.type !== 'error' || event.recoverable !== false) return undefined;
  const errorKind = kindOfStatus(STATUS_OF_CLASS[event.errorClass ?? '']);
  return { error: event.error?.message || 'cline reported an error', ...(errorKind && { errorKind }) };
}

function readResult({ finishReason, text, usage: spent }: Message): Findings {
  const usage = omitUndefined({
    inputTokens: spent?.inputTokens,
    outputTokens: spent?.outputTokens,
    cachedInputTokens: spent?.cacheReadTokens,
    costUsd: spent?.totalCost,
  });
  if (finishReason === 'completed') return { ended: true, usage, ...omitUndefined({ result: text }) };
  return { ended: true, usage, error: text || `cline ended its work: ${finishReason || 'it did not say why'}` };
}

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  switch (parsed.data.type) {
    case 'agent_event':
      return readEvent(parsed.data);
    case 'run_result':
      return readResult(parsed.data);
    case 'run_aborted':
      return { ended: true, error: `cline gave up: ${parsed.data.reason || 'it did not say why'}` };
    case 'error':
      return { error: parsed.data.message || 'cline reported an error' };
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
const servers = (request: RunRequest) =>
  serversAs<object, object>(request, {
    program: (server) => ({ transport: { type: 'stdio', ...server } }),
    remote: ({ type, url, headers }) => ({
      transport: { type: type === 'http' ? 'streamableHttp' : type, url, headers },
    }),
  });

/**
 * Cline CLI, `cline` 3.0. It takes stdin only together with a prompt, which has to be of several words, and it cannot
 * resume: giving it a session makes it interactive.
 */
export const cline: Runner<'cline'> = {
  name: 'cline',
  title: 'Cline CLI',
  command: 'cline',
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
    ...ifGiven(request.systemPrompt, (text) => [`--system=${text}`]),
    'Do this:',
  ],
  stdin: ({ prompt }) => prompt,
  files: (request) => ifGiven(servers(request), (mcpServers) => [jsonFile(MCP, { mcpServers })]),
  env: (request) => ({
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
  output: { format: 'json-lines', read, terminal: true, worked },
};
