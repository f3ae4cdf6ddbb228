import type { z } from 'zod';
import { callTool } from '../mcp/call.js';
import type { Tool, ToolContext } from '../mcp/tools/tool.js';
import { UnreachableError, UserError } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { LOCAL } from '../shared/principal.js';

/** The command line has no client that would give up. */
const NO_CAP_MS = 2 ** 31 - 1;

/** Asks what an MCP client would ask, with the same checks and the same answer. Throws what the tool answers as error. */
export async function ask<Input extends z.ZodObject, Output extends z.ZodObject>(
  pool: Pool,
  tool: Tool<Input, Output>,
  args: z.input<Input>,
  signal: AbortSignal = new AbortController().signal,
  progress?: ToolContext['progress'],
): Promise<z.infer<Output>> {
  const answer = await callTool(tool as unknown as Tool, args, {
    pool,
    principal: LOCAL,
    signal,
    waitCapMs: NO_CAP_MS,
    ...(progress && { progress }),
  });
  if (answer.ok) return answer.value as z.infer<Output>;
  const { code, message, hint } = answer.error;
  if (code === 'redis_unreachable') throw new UnreachableError(message, hint);
  if (code === 'internal_error') throw new Error(message);
  throw new UserError(code, message, hint);
}

/** The outcome of a run as an exit code is 0 only for `done`. */
export const exitOf = (status: string) => (status === 'done' ? 0 : 1);
