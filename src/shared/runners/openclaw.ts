import { join } from 'node:path';
import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import { ifGiven, jsonFile, pathOf, serversAs } from './given-files.js';
import { failureWith, statusIn } from './http-status.js';
import { count, part, truth, words } from './lenient.js';
import type { Findings, Runner, RunRequest } from './runner.js';

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
  usage: spent,
  error: part({ message: words }),
  meta: part({ error: part({ message: words }), agentMeta: part({ sessionId: words, usage: spent }) }),
});
type Answer = z.infer<typeof answer>;

/** `... (authentication failed, HTTP 401). Re-authenticate the provider and try again.` */
const STATUS = /\bHTTP (\d{3})\b/;
/** `API rate limit reached. Please try again later.`, after nine attempts that take two minutes. */
const RATE_LIMIT = /\brate limit\b/i;

function readEnd({ ok, final, payloads = [], error, meta }: Answer): Findings {
  const text = final || payloads.flatMap((payload) => payload.text ?? []).join('\n');
  const failure = error ?? meta?.error;
  if (ok !== false && !failure && !payloads.some(({ isError }) => isError)) return { result: text };
  const wrong = failure?.message || text || 'openclaw reported an error';
  return failureWith(wrong, statusIn(wrong, STATUS) ?? (RATE_LIMIT.test(wrong) ? 429 : undefined));
}

function read(value: unknown): Findings | undefined {
  const parsed = answer.safeParse(value);
  if (!parsed.success) return undefined;
  const { ok, meta, error } = parsed.data;
  if (ok === undefined && !meta && !error) return undefined;
  const sessionId = parsed.data.sessionId || meta?.agentMeta?.sessionId;
  const usage = parsed.data.usage ?? meta?.agentMeta?.usage;
  return {
    ended: true,
    ...(sessionId && { sessionId }),
    ...(usage && {
      usage: omitUndefined({
        inputTokens: usage.input,
        outputTokens: usage.output,
        cachedInputTokens: usage.cacheRead,
        costUsd: usage.cost?.total,
      }),
    }),
    ...readEnd(parsed.data),
  };
}

const PROMPT = 'prompt.md';
const CONFIG = 'openclaw.json';
/** Read by openclaw in its workspace, which is our folder of files then. */
const SYSTEM_PROMPT = 'AGENTS.md';

const homeOf = ({ home }: RunRequest) => join(home, '.openclaw');

/** The user's configuration with what belongs to this run: the directory, the profile, what the tools may do. */
function configFor(request: RunRequest) {
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
    ...ifGiven(request.systemPrompt, (content) => [{ name: SYSTEM_PROMPT, content }]),
  ],
  // One and the same flag: a session that is not there is made.
  sessionIdArgs: (sessionId) => ['--session-id', sessionId],
  resumeArgs: (sessionId) => ['--session-id', sessionId],
  env: (request) => ({
    OPENCLAW_CONFIG_PATH: pathOf(request, CONFIG),
    OPENCLAW_INCLUDE_ROOTS: homeOf(request),
    OPENCLAW_NO_AUTO_UPDATE: '1',
    NO_COLOR: '1',
  }),
  output: { format: 'json', read, terminal: true },
};
