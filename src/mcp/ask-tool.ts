import type { z } from 'zod';
import { callTool, type ErrorBody } from './call.js';
import type { Caller, Tool } from './tools/tool.js';

/** What a tool has refused, for whoever asked it on behalf of a client. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  constructor(readonly body: ErrorBody) {
    super(body.message);
  }
}

/** Asks a tool that does not wait, with its checks and its scope. Throws a RefusedError for what it answers as error. */
export async function askTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  { pool, principal }: Caller,
  tool: Tool<Input, Output>,
  args: z.input<Input>,
  signal: AbortSignal = new AbortController().signal,
): Promise<z.infer<Output>> {
  const answer = await callTool(tool as unknown as Tool, args, { pool, principal, signal, waitCapMs: 0 });
  if (!answer.ok) throw new RefusedError(answer.error);
  return answer.value as z.infer<Output>;
}
