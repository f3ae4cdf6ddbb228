import { z } from 'zod';
import { ifGiven, jsonFile, pathOf, serversAs } from './given-files.js';
import { failureWith } from './http-status.js';
import { count, part, words } from './lenient.js';
import type { Findings, Runner, RunRequest } from './runner.js';

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
  }),
});

function read(value: unknown): Findings | undefined {
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const { type, sessionId, exitCode, data } = parsed.data;
  // What it says before it calls a tool, and what its helpers say to it, is not its answer.
  if (type === 'assistant.message' && data?.content !== undefined && !data.toolRequests?.length)
    return data.parentToolCallId === undefined ? { result: data.content } : undefined;
  if (type === 'session.error') return failureWith(data?.message || 'copilot reported an error', data?.statusCode);
  if (type !== 'result') return undefined;
  return { ...(sessionId && { sessionId }), ...(exitCode !== undefined && { ended: true }) };
}

function worked(value: unknown): boolean {
  const { type = '' } = message.safeParse(value).data ?? {};
  return type.startsWith('assistant.message') || type.startsWith('tool.');
}

const MCP = 'mcp.json';
/** An AGENTS.md in the folder of instructions would only be named to the model. */
const SYSTEM_PROMPT = 'system-prompt.instructions.md';

const servers = (request: RunRequest) =>
  serversAs<object, object>(request, {
    program: (server) => ({ type: 'local', ...server, tools: ['*'] }),
    remote: (server) => ({ ...server, tools: ['*'] }),
  });

/** GitHub Copilot CLI, `@github/copilot` 1.0. It does not tell tokens. */
export const copilot: Runner<'copilot'> = {
  name: 'copilot',
  title: 'GitHub Copilot CLI',
  command: 'copilot',
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
  files: (request) => [
    ...ifGiven(request.systemPrompt, (content) => [{ name: SYSTEM_PROMPT, content }]),
    ...ifGiven(servers(request), (mcpServers) => [jsonFile(MCP, { mcpServers })]),
  ],
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--resume', sessionId],
  env: ({ systemPrompt, filesDirectory }) => ({
    ...(systemPrompt !== undefined && { COPILOT_CUSTOM_INSTRUCTIONS_DIRS: filesDirectory }),
    COPILOT_AUTO_UPDATE: 'false',
    NO_COLOR: '1',
  }),
  output: { format: 'json-lines', read, terminal: true, worked },
};
