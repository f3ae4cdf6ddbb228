import type { z } from 'zod';
import type { Caller } from '../client/caller.js';
import type { Scope } from '../shared/principal.js';

/** What a tool is called with, besides its arguments. Knows nothing of any SDK. */
export interface ToolContext extends Caller {
  readonly signal: AbortSignal;
  /** The longest that one call may block (ms), as far as the client allows it. */
  readonly waitCapMs: number;
}

/** An answer as its handler gives it: nothing in it has to be changeable. */
type Given<Value> = Value extends readonly (infer Item)[]
  ? readonly Given<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]: Given<Value[Name]> }
    : Value;

/** What a client may do with a tool without asking its person. */
export interface Annotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** What is told to Claude Code alone. */
export interface ForClaude {
  /** It is there from the first turn on, even where tools are searched for. */
  readonly alwaysLoad?: boolean;
  /** Its answers are shown whole, even if they are long. */
  readonly longAnswers?: boolean;
}

export interface Tool<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  /** The members of its answers that clients are told of: what decides, since the whole would cost every client thousands of tokens. */
  readonly tells: readonly (keyof z.infer<Output> & string)[];
  readonly claude?: ForClaude;
  /** Clients that show apps show the run that it answers with. */
  readonly hasApp?: true;
  readonly annotations: Annotations;
  /** What the principal needs. */
  readonly scope: Scope;
  /** For how long (ms) it waits anyway, and so rides an outage of Redis out. */
  readonly waitsMs?: (input: z.infer<Input>) => number;
  readonly handle: (input: z.infer<Input>, context: ToolContext) => Promise<Given<z.input<Output>>>;
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
