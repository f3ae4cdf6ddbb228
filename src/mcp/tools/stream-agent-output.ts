import { z } from 'zod';
import { type RunOutput, readOutput } from '../../client/read-output.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { whichRun } from '../shapes/which-run.js';
import { workerFactsShape } from '../shapes/worker-facts-shape.js';
import { defineTool, READS } from '../tool.js';

const input = z.strictObject({
  ...whichRun,
  sinceTimestamp: z
    .number()
    .min(0)
    .max(9_999_999_999_999)
    .optional()
    .describe('Only output that came strictly after this time (ms since the epoch, by the clock of Redis)'),
  cursor: z.string().optional().describe('nextCursor of an earlier call: goes on exactly there'),
  tail: z.number().int().min(1).max(1_048_576).optional().describe('Only the last so many bytes'),
  stream: z.enum(['both', 'stdout', 'stderr']).default('both'),
  maxBytes: z.number().int().min(1).max(1_048_576).default(32_768).describe('No more than this (bytes)'),
  ansi: z.boolean().default(false).describe('Keep the escape sequences of terminals'),
  encoding: z.enum(['utf8', 'base64']).default('utf8').describe('base64 brings binary output through exactly'),
  waitMs: z
    .number()
    .int()
    .min(0)
    .max(3_600_000)
    .default(0)
    .describe('Where there is nothing new, wait so long for it (ms)'),
});

const output = z.object({
  runId: z.string(),
  output: z.string(),
  status: z.enum(RUN_STATES),
  isComplete: z.boolean().describe('The run has ended and this is the end of its output'),
  nextCursor: z.string(),
  hasMore: z.boolean().describe('There is more to read right now'),
  ...workerFactsShape,
  droppedBytes: z.number().int().describe('Bytes before this answer that were let go before they were read here'),
  truncatedBefore: z.number().int().optional().describe('Output from before this time (ms) is not kept any more'),
  lastTimestamp: z
    .number()
    .int()
    .optional()
    .describe('Of the last output in this answer; a good sinceTimestamp, though a cursor is exact'),
} satisfies Record<keyof RunOutput, z.ZodType>);

export const streamAgentOutput = defineTool({
  name: 'stream_agent_output',
  title: 'Output of a run',
  description:
    'What a run prints, live or later. Following nextCursor gives every byte once; sinceTimestamp gives what came after a time; tail gives the end.',
  input,
  output,
  annotations: READS,
  scope: 'read',
  handle: (asked, context) =>
    readOutput(context, asked, { ...asked, waitMs: Math.min(asked.waitMs, context.waitCapMs) }),
});
