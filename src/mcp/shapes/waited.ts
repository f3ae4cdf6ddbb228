import { z } from 'zod';
import type { WaitedView } from '../../client/wait.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { activityShape } from './activity.js';
import { lengthOfTime } from './length-of-time.js';
import { failureShape } from './run-shape.js';
import { workerFactsShape } from './worker-facts-shape.js';

/** No tool waits for more runs than this at once. */
export const MOST_RUNS = 50;

/** A run that was waited for, as callers see it. */
export const waitedShape = z.object({
  runId: z.string(),
  status: z.enum(RUN_STATES),
  result: z.string().optional(),
  resultCut: z.boolean().optional().describe('The result is longer; get_agent_status has all of it'),
  failure: failureShape.optional(),
  waitingFor: workerFactsShape.waitingFor,
  exitCode: z.number().int().optional(),
  activity: activityShape.optional(),
  agentName: z.string(),
  output: z.string().describe('The end of what it printed, as text; empty where the result says it'),
  nextCursor: z.string().describe('For stream_agent_output: what comes after this end'),
  workerSilentSince: workerFactsShape.workerSilentSince,
  workerSilentSinceIso: workerFactsShape.workerSilentSinceIso,
  hostProblem: workerFactsShape.hostProblem,
} satisfies Record<keyof WaitedView, z.ZodType>);

/** How long to wait (ms), as an argument of a tool. */
export const waitTimeout = lengthOfTime(1_000, 86_400_000)
  .default(900_000)
  .describe('The longest to wait (ms); one call blocks for 45 s at most, unless your client allows more');
