import { z } from 'zod';

/** The newest stored format that this release knows; a value without the member `form` has the first one. */
export const STORED_FORM = 1;

/**
 * The newest form of a spool that we know. Form 2 has what its program says of itself in one file, which releases that know
 * form 1 do not look for: they leave such a run to a newer worker.
 */
export const SPOOL_FORM = 2;

/** What became of reading something stored: its value, or why it cannot be used. */
export type Stored<Value> =
  | { readonly value: Value }
  /** Written by a newer release, so it is for a newer process. */
  | { readonly newer: number }
  | { readonly broken: string };

const withForm = z.looseObject({ form: z.number().int().min(1).default(1) });

/**
 * Reads what another release of ours may have written, in a form up to `newest`. Members that it does not know are kept. Never
 * throws.
 */
export function readStored<Value>(schema: z.ZodType<Value>, text: string, newest = STORED_FORM): Stored<Value> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return { broken: 'it is not JSON' };
  }
  const formed = withForm.safeParse(content);
  if (formed.success && formed.data.form > newest) return { newer: formed.data.form };
  const { form: _, ...rest } = { form: 1, ...(formed.success ? formed.data : {}) };
  const parsed = schema.safeParse(formed.success ? rest : content);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  return { broken: `${issue?.path.join('.') || 'it'}: ${issue?.message}` };
}

/** Names or variables and their values, as stored. */
export const storedStrings = z.record(z.string(), z.string());

/** What an agent gives to its runs: stored with the agent, and with each run. */
export const storedSetup = {
  env: storedStrings.optional(),
  fallbacks: z.record(z.string(), z.array(z.string())).optional(),
  mcpServers: z
    .record(
      z.string(),
      z.union([
        z.looseObject({ command: z.string(), args: z.array(z.string()).optional(), env: storedStrings.optional() }),
        z.looseObject({ url: z.string(), headers: storedStrings.optional() }),
      ]),
    )
    .optional(),
};
