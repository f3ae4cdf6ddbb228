import { z } from 'zod';
import type { RunRequest } from '../run.js';
import { readStored, STORED_FORM, type Stored } from '../stored-form.js';
import type { StoreParts } from './parts.js';

const strings = z.record(z.string(), z.string());
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
  timeoutMs: milliseconds.optional(),
  silenceTimeoutMs: milliseconds.optional(),
  priority: z.number().optional(),
  delayMs: milliseconds.optional(),
  host: z.string().optional(),
  principal: z.string().optional(),
  setup: z
    .looseObject({
      systemPrompt: z.string().optional(),
      env: strings.optional(),
      fallbacks: z.record(z.string(), z.array(z.string())).optional(),
      mcpServers: z
        .record(
          z.string(),
          z.union([
            z.looseObject({ command: z.string(), args: z.array(z.string()).optional(), env: strings.optional() }),
            z.looseObject({ url: z.string(), headers: strings.optional() }),
          ]),
        )
        .optional(),
    })
    .optional(),
});

/** A request as it is stored. */
export const requestText = (given: RunRequest): string => JSON.stringify({ form: STORED_FORM, ...given });

/** What was asked for, if we can read it; undefined once the run's output was let go. */
export async function readRequest({ redis, keysOf }: StoreParts, id: string): Promise<Stored<RunRequest> | undefined> {
  const text = await redis.get(keysOf(id).request);
  return text === null ? undefined : readStored(request as unknown as z.ZodType<RunRequest>, text);
}
