import { join } from 'node:path';
import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { AgentEvent } from '../transcript/event.js';
import { ifGiven, jsonFile, pathOf, serversAs, systemPromptFile } from './given-files.js';
import { failureWith, statusIn } from './http-status.js';
import { count, part, truth, words } from './lenient.js';
import { MODEL_PROVIDERS } from './model-providers.js';
import type { Findings, ProgramInput, Runner } from './runner.js';
import { endEvents } from './session-events.js';

const spent = part({ input: count, output: count, cacheRead: count, cost: part({ total: count }) });
/** An answer of `agent`, or the envelope in which it reports a failure. */
const answer = z.object({
  ok: truth,
  final: words,
  payloads: z
    .array(z.object({ text: words, isError: truth }))
    .optional()
    .catch(undefined),
  sessionId: words,
  model: words,
  toolSummary: part({ calls: count, failures: count, tools: z.array(z.string()).optional().catch(undefined) }),
  usage: spent,
  error: part({ message: words }),
  meta: part({
    toolSummary: part({ calls: count, failures: count, tools: z.array(z.string()).optional().catch(undefined) }),
    error: part({ message: words }),
    agentMeta: part({ sessionId: words, usage: spent }),
  }),
});
type Answer = z.infer<typeof answer>;

/** `... (authentication failed, HTTP 401). Re-authenticate the provider and try again.` */
const STATUS = /\bHTTP (\d{3})\b/;
/** `API rate limit reached. Please try again later.`, after nine attempts that take two minutes. */
const RATE_LIMIT = /\brate limit\b/i;

const textIn = ({ final, payloads = [] }: Answer) =>
  final || payloads.flatMap((payload) => payload.text ?? []).join('\n');

function failureIn(answer: Answer) {
  const { ok, payloads = [], error, meta } = answer;
  const failure = error ?? meta?.error;
  if (ok !== false && !failure && !payloads.some(({ isError }) => isError)) return undefined;
  const wrong = failure?.message || textIn(answer) || 'openclaw reported an error';
  return failureWith(wrong, statusIn(wrong, STATUS) ?? (RATE_LIMIT.test(wrong) ? 429 : undefined));
}

function usageIn({ usage, meta }: Answer) {
  const spent = usage ?? meta?.agentMeta?.usage;
  if (!spent) return undefined;
  return omitUndefined({
    inputTokens: spent.input,
    outputTokens: spent.output,
    cachedInputTokens: spent.cacheRead,
    costUsd: spent.cost?.total,
  });
}

const isAnswer = ({ ok, meta, error }: Answer) => ok !== undefined || meta !== undefined || error !== undefined;

function read(value: unknown): Findings | undefined {
  const parsed = answer.safeParse(value);
  if (!parsed.success || !isAnswer(parsed.data)) return undefined;
  const sessionId = parsed.data.sessionId || parsed.data.meta?.agentMeta?.sessionId;
  return {
    ended: true,
    ...(sessionId && { sessionId }),
    ...omitUndefined({ usage: usageIn(parsed.data) }),
    ...(failureIn(parsed.data) ?? { result: textIn(parsed.data) }),
  };
}

/** It tells which tools it used, but neither with what nor what they answered. */
function events(value: unknown): readonly AgentEvent[] | undefined {
  const { data: line } = answer.safeParse(value);
  if (!line || !isAnswer(line)) return undefined;
  const { calls = 0, failures = 0, tools = [] } = line.toolSummary ?? line.meta?.toolSummary ?? {};
  const failure = failureIn(line);
  const used = `${calls} calls of tools (${tools.join(', ')})${failures > 0 ? `, ${failures} of them failed` : ''}`;
  return [
    ...(calls > 0 ? [{ type: 'status' as const, message: used }] : []),
    ...(failure || !textIn(line) ? [] : [{ type: 'text' as const, text: textIn(line) }]),
    ...endEvents('run', usageIn(line) ?? {}, failure),
  ];
}

const PROMPT = 'prompt.md';
const CONFIG = 'openclaw.json';
/** Read by openclaw in its workspace, which is our folder of files then. */
const SYSTEM_PROMPT = 'AGENTS.md';

const homeOf = ({ home }: ProgramInput) => join(home, '.openclaw');

/** The user's configuration with what belongs to this run: the directory, the profile, what the tools may do. */
function configFor(request: ProgramInput) {
  const { path, permissions, systemPrompt, filesDirectory } = request;
  const servers = serversAs<object, object>(request, {
    program: (server) => server,
    remote: ({ type, url, headers }) => ({ url, headers, transport: type === 'sse' ? 'sse' : 'streamable-http' }),
  });
  return {
    $include: join(homeOf(request), CONFIG),
    agents: {
      defaults: {
        cwd: path,
        skipBootstrap: true,
        ...(systemPrompt !== undefined && { workspace: filesDirectory }),
      },
    },
    ...(permissions === 'safe' && { tools: { exec: { mode: 'deny' } } }),
    ...(servers && { mcp: { servers } }),
  };
}

/** OpenClaw, `openclaw` 2026.9: one object when it has ended, and nothing before. */
export const openclaw: Runner<'openclaw'> = {
  name: 'openclaw',
  title: 'OpenClaw',
  command: 'openclaw',
  memoryMib: 1_500,
  // Where Node is too old for it, npm takes 0.0.1 without a word.
  install: 'npm install -g openclaw@2026.9.6   # needs Node 24.16 or 26.1',
  note: 'reads `~/.openclaw/openclaw.json`, which must be there; a worker runs one at a time, and so must all of one home',
  // It locks the directory of its state, and a second one does not wait but gives up.
  atOnce: 1,
  versionArgs: ['--version'],
  testedVersion: '2026.9.6',
  args: (request) => [
    'agent',
    '--local',
    '--agent',
    'main',
    '--json',
    // Without it a run ends after 600 seconds; agentpool has its own limit.
    '--timeout',
    '0',
    // It does not read stdin in the form that has sessions.
    '--message-file',
    pathOf(request, PROMPT),
    ...ifGiven(request.model, (model) => ['--model', model]),
  ],
  files: (request) => [
    { name: PROMPT, content: request.prompt },
    jsonFile(CONFIG, configFor(request)),
    ...systemPromptFile(request, SYSTEM_PROMPT),
  ],
  // One and the same flag: a session that is not there is made.
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--session-id', sessionId],
  inherits: ['OPENCLAW_HOME', 'OPENCLAW_STATE_DIR', 'OPENCLAW_PROFILE', ...MODEL_PROVIDERS],
  env: (request) => ({
    OPENCLAW_CONFIG_PATH: pathOf(request, CONFIG),
    OPENCLAW_INCLUDE_ROOTS: homeOf(request),
    OPENCLAW_NO_AUTO_UPDATE: '1',
    NO_COLOR: '1',
  }),
  output: { format: 'json', read, events, terminal: true },
};
