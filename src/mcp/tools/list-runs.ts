import { z } from 'zod';
import { findRuns, type RunStatistics } from '../../client/list-runs.js';
import { labelsArgument } from '../../shared/agents/profile.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { runShape } from '../shapes/run-shape.js';
import { agentNameArgument } from '../shapes/which-run.js';
import { defineTool, READS } from '../tool.js';

const statistics = z.object({
  runner: z.string(),
  status: z.enum(RUN_STATES),
  count: z.number().int(),
  medianMs: z.number().int().optional().describe('Of the time from start to end'),
  longestMs: z.number().int().optional(),
} satisfies Record<keyof RunStatistics, z.ZodType>);

export const listRuns = defineTool({
  name: 'list_runs',
  title: 'List runs',
  description:
    'Lists runs, newest first: all of yours, or by agent name, runner, status, host, labels or time. With stats also counts and durations.',
  input: z.strictObject({
    agentName: agentNameArgument.optional(),
    runner: z.string().optional(),
    status: z.enum(RUN_STATES).optional(),
    host: z.string().optional(),
    labels: labelsArgument.optional().describe('Only with all of these labels'),
    since: z.number().min(0).optional().describe('Queued at or after this time (ms since the epoch, or ISO 8601)'),
    limit: z.number().int().min(1).max(200).default(20),
    cursor: z.string().optional().describe('nextCursor of an earlier call'),
    stats: z.boolean().default(false).describe('Also counts and durations by runner and status'),
  }),
  output: z.object({
    runs: z.array(runShape),
    nextCursor: z.string().optional().describe('Absent: these were the last ones'),
    stats: z.array(statistics).optional(),
    hint: z.string().optional().describe('What there is, where what was asked for is not known'),
  }),
  tells: ['runs', 'nextCursor', 'stats', 'hint'],
  claude: { longAnswers: true },
  annotations: READS,
  scope: 'read',
  handle: (query, context) => findRuns(context, query),
});
