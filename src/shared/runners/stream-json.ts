import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { Usage } from '../run.js';
import { count, part, truth, words } from './lenient.js';

/** A line of the stream-json that claude brought up, with the fields that it and its kin have in common. */
export const streamJson = z.object({
  type: z.string(),
  subtype: words,
  session_id: words,
  is_error: truth,
  result: words,
  usage: part({ input_tokens: count, output_tokens: count, cache_read_input_tokens: count }),
});

/** What the last line says that the run has spent. */
export function spentOf({ usage }: z.infer<typeof streamJson>): Usage {
  return omitUndefined({
    inputTokens: usage?.input_tokens,
    outputTokens: usage?.output_tokens,
    cachedInputTokens: usage?.cache_read_input_tokens,
  });
}
