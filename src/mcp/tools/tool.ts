import type { z } from 'zod';
import type { Pool } from '../../shared/pool.js';
import type { Principal, Scope } from '../../shared/principal.js';

/** What a tool is called with, besides its arguments. Knows nothing of any SDK. */
export interface ToolContext {
  readonly pool: Pool;
  /** Who asks. */
  readonly principal: Principal;
  /** Aborted when the caller gives up. Ends the waiting, never a run. */
  readonly signal: AbortSignal;
  /** Tells the caller how far it is; absent when it did not ask. */
  readonly progress?: (progress: number, message: string) => void;
  /** The longest that one call may block (ms), as far as the client allows it. */
  readonly waitCapMs: number;
}

/** Who asks, and what about. */
export type Caller = Pick<ToolContext, 'pool' | 'principal'>;

/** What a client may do with a tool without asking its person. */
export interface Annotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

export interface Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  readonly annotations: Annotations;
  /** What the principal needs. */
  readonly scope: Scope;
  readonly handle: (input: z.infer<Input>, context: ToolContext) => Promise<z.input<Output>>;
}

/** A tool with its types checked against each other. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Tool<Input, Output>,
): Tool<Input, Output> {
  return tool;
}

export const READS: Annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
