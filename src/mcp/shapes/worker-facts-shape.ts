import { z } from 'zod';
import type { WorkerFacts } from '../../client/worker-facts.js';
import { HOST_FAULT_KINDS, type HostProblem } from '../../shared/workers/workers.js';
import { waitingForShape } from './waiting-for-shape.js';

/** Why a host takes no runs for now, as callers see it. */
export const hostProblemShape = z.object({
  kind: z.enum(HOST_FAULT_KINDS),
  message: z.string(),
  since: z.number().int(),
  sinceIso: z.string(),
} satisfies Record<keyof HostProblem | 'sinceIso', z.ZodType>);

/** What a run waits for, and what its worker means for it just now; for the shape of a view. */
export const workerFactsShape = {
  waitingFor: waitingForShape,
  workerSilentSince: z
    .number()
    .int()
    .optional()
    .describe('Its worker has been silent since (ms); the program may go on'),
  workerSilentSinceIso: z.string().optional(),
  hostProblem: hostProblemShape.optional().describe('Why the host that it is bound to takes no runs for now'),
} satisfies Record<keyof WorkerFacts, z.ZodType>;
