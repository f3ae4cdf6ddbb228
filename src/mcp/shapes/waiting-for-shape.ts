import { z } from 'zod';
import { WAIT_KINDS, type WaitingFor } from '../../client/waiting-for.js';

/** Why a run is not started yet, or does not go on, as callers see it. */
export const waitingForShape = z
  .object({
    kind: z.enum(WAIT_KINDS),
    message: z.string(),
    hint: z.string(),
    until: z.number().optional().describe('When it is over (ms since the epoch), where that is known'),
    untilIso: z.string().optional(),
    runId: z.string().optional().describe('The run that has its session'),
    position: z.number().int().optional().describe('Its place in the queue; 1 starts next'),
    attempt: z.number().int().optional().describe("Its program's try with the provider"),
    of: z.number().int().optional(),
  } satisfies Record<keyof WaitingFor, z.ZodType>)
  .optional()
  .describe('Why it is not started yet or does not go on: kind, message, and hint, which says what helps');
