import type { z } from 'zod';
import { patiently } from '../client/patiently.js';
import { kindInWords, ruleOf } from '../shared/config/rule-of.js';
import { bodyOf, ERRORS, type ErrorBody, UserError } from '../shared/errors.js';
import type { Logger } from '../shared/logger.js';
import { isDeeperThan } from '../shared/nesting.js';
import { beginningOf } from '../shared/plain-text.js';
import { allows, type Principal, type Scope } from '../shared/principal.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import { bringArguments } from './door/arguments.js';
import { DEEPEST_ARGUMENTS } from './door/values.js';
import { answerFromWorkspace } from './overmind/answers.js';
import type { Tool, ToolContext } from './tool.js';

export type Answer =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  | { readonly ok: false; readonly error: ErrorBody };

/** Calls a tool with unchecked arguments, and logs what changes something or is refused. Nothing is thrown. */
export async function callTool(tool: Tool, args: unknown, context: ToolContext): Promise<Answer> {
  const answer = await answerTo(tool, args, context);
  const { logger } = context.pool;
  const call = { tool: tool.name, principal: context.principal.name };
  if (!answer.ok) {
    if (!isOurs(answer.error)) logger.info({ ...call, code: answer.error.code }, 'a call was refused');
  } else if (!tool.annotations.readOnlyHint)
    logger.info({ ...call, ...runIdsIn(answer.value) }, 'a call was carried out');
  return answer;
}

/** The runs that an answer is about. */
function runIdsIn({ runId, runs }: Record<string, unknown>): { runId?: string; runIds?: readonly string[] } {
  if (typeof runId === 'string') return { runId };
  if (!Array.isArray(runs)) return {};
  return { runIds: runs.flatMap((run: { runId?: unknown }) => (typeof run.runId === 'string' ? [run.runId] : [])) };
}

/** The one boundary of errors. */
async function answerTo(tool: Tool, args: unknown, context: ToolContext): Promise<Answer> {
  if (!allows(context.principal, tool.scope))
    return { ok: false, error: scopeError(tool.name, tool.scope, context.principal) };
  try {
    if (isDeeperThan(args, DEEPEST_ARGUMENTS + 1)) throw new UserError('invalid_argument', ...TOO_DEEP);
    const { args: brought, warnings } = bringArguments(tool, args, [...context.pool.runners.keys()]);
    const parsed = tool.input.safeParse(brought, { reportInput: true, error: argumentRule });
    if (!parsed.success) return { ok: false, error: argumentError(tool, parsed.error) };
    const waitCapMs = await readyFor(tool, parsed.data, context);
    const elsewhere = await answerFromWorkspace(tool.name, parsed.data, context);
    const value = tool.output.parse(elsewhere ?? (await tool.handle(parsed.data, { ...context, waitCapMs })));
    return { ok: true, value: warnings.length > 0 ? { ...value, warnings } : value };
  } catch (error) {
    return { ok: false, error: errorBody(error, context.pool.logger) };
  }
}

const TOO_DEEP = [
  `the arguments have more than ${DEEPEST_ARGUMENTS} lists and objects within each other`,
  'No tool takes so many: send what belongs into a prompt as text.',
] as const;

/** Waits until Redis can be asked: for as long as the tool waits anyway. Answers what is left of its time (ms). */
async function readyFor(tool: Tool, args: Record<string, unknown>, context: ToolContext): Promise<number> {
  const { pool, waitCapMs } = context;
  const deadline = performance.now() + Math.min(tool.waitsMs?.(args) ?? 0, waitCapMs);
  await patiently(context, () => pool.ready(), deadline);
  return tool.waitsMs ? Math.max(0, deadline - performance.now()) : waitCapMs;
}

/** What a principal is told that lacks the scope for something. */
export function scopeError(what: string, scope: Scope, principal: Principal): ErrorBody {
  const has = principal.scopes.join(', ') || 'none';
  return {
    code: 'forbidden',
    message: `${what} needs the scope ${scope}, and ${principal.name} has ${has}`,
    hint: ERRORS.forbidden.hint,
  };
}

/** What the caller can do nothing about. */
const isOurs = ({ code }: ErrorBody) => code === 'internal_error' || code === 'configuration';

/** What a client is told of anything that was thrown; what it cannot fix is logged. */
export function errorBody(thrown: unknown, logger: Pick<Logger, 'error'>): ErrorBody {
  const body = bodyOf(asUnreachable(thrown) ?? thrown);
  if (isOurs(body)) logger.error({ err: thrown }, 'a call failed');
  return body;
}

/** The rule alone: whether it is missing is said before. */
const argumentRule = (issue: z.core.$ZodRawIssue) =>
  issue.code === 'invalid_type' ? kindInWords(issue.expected) : ruleOf(issue);

/** Says which argument, what it was, and what is allowed. */
function argumentError(tool: Tool, error: z.ZodError): ErrorBody {
  const known = Object.keys(tool.input.shape);
  const problems = error.issues.slice(0, MOST_PROBLEMS).map((issue) => {
    if (issue.code === 'unrecognized_keys')
      return `${issue.path.join('.') || 'arguments'}: there is no ${someOf(issue.keys)}`;
    const given = issue.input === undefined ? 'it is missing' : `it was ${shorten(JSON.stringify(issue.input))}`;
    const rule = (issue.code === 'invalid_key' && issue.issues[0]?.message) || issue.message;
    return `${issue.path.join('.') || 'arguments'}: ${given}; ${rule}`;
  });
  const left = error.issues.length - problems.length;
  return {
    code: 'invalid_argument',
    message: problems.join('; ') + (left > 0 ? `; and ${left} problems more` : ''),
    hint: `${tool.name} takes: ${known.join(', ')}.`,
  };
}

/** So many of what is wrong are told one by one; the rest is counted. */
const MOST_PROBLEMS = 20;

const someOf = (names: readonly string[]) =>
  names.slice(0, 5).map(shorten).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');

const shorten = (text: string) => (text.length <= 100 ? text : `${beginningOf(text, 100)}…`);
