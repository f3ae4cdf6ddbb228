import { z } from 'zod';
import type { RunActivity } from '../../client/what-was-done.js';
import { usageShape } from './run-shape.js';

const changedFile = z.object({
  path: z.string(),
  operation: z.enum(['add', 'update', 'delete']).optional(),
  added: z.number().int().optional().describe('Lines'),
  removed: z.number().int().optional().describe('Lines'),
});

/** What a run has done, as callers see it. */
export const activityShape = z
  .object({
    lastSteps: z.array(z.string()).describe('The last things that it said and did, the latest last'),
    toolCalls: z.number().int(),
    filesChanged: z.array(changedFile),
    moreFiles: z.number().int().optional().describe('So many more files than these'),
    usage: usageShape.optional().describe('What it has said so far that it spent'),
    partial: z.boolean().optional().describe('Of the end of its output only; stream_agent_output has all of it'),
  } satisfies Record<keyof RunActivity, z.ZodType>)
  .describe('What it has done; absent for programs that print text');
