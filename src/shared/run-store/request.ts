import { z } from 'zod';
import { beginningOf } from '../plain-text.js';
import { type CommandLine, inOrder } from '../redis/in-order.js';
import type { RunRequest } from '../run.js';
import { readStored, STORED_FORM, type Stored, storedSetup, storedStrings } from '../stored-form.js';
import type { StoreParts } from './parts.js';

const milliseconds = z.number().min(0);

/** What a request has to be to be carried out: its types. What they may say was checked when it was submitted. */
const request = z.looseObject({
  runner: z.string(),
  agentName: z.string(),
  prompt: z.string(),
  sessionId: z.string().optional(),
  mode: z.string().optional(),
  model: z.string().optional(),
  path: z.string().optional(),
  clientDirectory: z.string().optional(),
  timeoutMs: milliseconds.optional(),
  silenceTimeoutMs: milliseconds.optional(),
  priority: z.number().optional(),
  delayMs: milliseconds.optional(),
  host: z.string().optional(),
  principal: z.string().optional(),
  labels: storedStrings.optional(),
  requires: z.array(z.string()).optional(),
  setup: z.looseObject({ systemPrompt: z.string().optional(), ...storedSetup }).optional(),
});

/** A request as it is stored: the prompt first, so that its beginning is found without reading all of it. */
export const requestText = ({ prompt, ...given }: RunRequest): string =>
  JSON.stringify({ form: STORED_FORM, prompt, ...given });

/** What was asked for, if we can read it; undefined once the run's output was let go. */
export async function readRequest({ redis, keysOf }: StoreParts, id: string): Promise<Stored<RunRequest> | undefined> {
  const text = await redis.get(keysOf(id).request);
  return text === null ? undefined : readStored(request as unknown as z.ZodType<RunRequest>, text);
}

/** How much of a stored request is read for the first line of its prompt (bytes), and how much of that line is shown (characters). */
const LOOKED_AT_BYTES = 1_024;
const PROMPT_LINE_CHARS = 200;

/** The first lines of the prompts of some runs, cut; undefined where the prompt is not kept any more. */
export async function readPromptLines(
  { redis, keysOf }: StoreParts,
  ids: readonly string[],
): Promise<(string | undefined)[]> {
  const commands = ids.map((id): CommandLine => ['getrange', keysOf(id).request, 0, LOOKED_AT_BYTES - 1]);
  const [replies = []] = await inOrder(redis, commands);
  return replies.map((reply) => {
    if (reply.status === 'rejected') throw reply.reason;
    return promptLineIn(String(reply.value));
  });
}

/** The first line of the prompt in the beginning of a stored request. */
export function promptLineIn(beginning: string): string | undefined {
  const [, text] = /"prompt":"((?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*)/.exec(beginning) ?? [];
  if (text === undefined) return undefined;
  const prompt = JSON.parse(`"${text}"`) as string;
  const line = (/\S.*/.exec(prompt)?.[0] ?? '').replace(/\uFFFD+$/, '').trimEnd();
  return beginningOf(line, PROMPT_LINE_CHARS);
}
