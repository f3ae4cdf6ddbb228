import { z } from 'zod';
import { statusOfPool } from '../../client/pool-status.js';
import { hostProblemShape } from '../shapes/worker-facts-shape.js';
import { defineTool, READS } from '../tool.js';

const share = z.object({ used: z.number().int(), most: z.number().int() });

export const poolStatus = defineTool({
  name: 'pool_status',
  title: 'Status of the pool',
  description:
    'Shows which workers and agent programs are available on which hosts, how busy they are, how long the queues are, and your limits.',
  input: z.strictObject({}),
  output: z.object({
    workers: z.array(
      z.object({
        id: z.string(),
        host: z.string(),
        alive: z.boolean(),
        phase: z.enum(['ready', 'stopping', 'left']),
        version: z.string(),
        runners: z.array(z.object({ name: z.string(), version: z.string().optional() })),
        capacity: z.number().int(),
        running: z.number().int(),
        problem: hostProblemShape.optional().describe('Why it takes no runs for now; it tries again by itself'),
        cordonedSince: z.number().int().optional().describe('An operator wants it to take no new runs since (ms)'),
        cordonedSinceIso: z.string().optional(),
        spool: z
          .object({ usedBytes: z.number(), quotaBytes: z.number(), freeBytes: z.number() })
          .optional()
          .describe(
            'What its running programs have printed that is still on its disk, how much that may be, and what the disk has left',
          ),
        allowedPaths: z.array(z.string()),
        labels: z.array(z.string()).optional().describe('What runs may require of it'),
        startedAt: z.number().int(),
        lastHeartbeatAt: z.number().int(),
        lastHeartbeatAtIso: z.string(),
      }),
    ),
    queues: z.array(
      z.object({
        queue: z.string(),
        waiting: z.number().int(),
        delayed: z.number().int(),
        active: z.number().int(),
        completed: z.number().int(),
        failed: z.number().int(),
        yours: z
          .object({
            waiting: z.number().int(),
            position: z.number().int().optional().describe('Of the next of them; 1: it starts next'),
          })
          .describe('Your runs that wait for their turn in it'),
      }),
    ),
    redis: z.object({
      version: z.string(),
      evictionPolicy: z.string(),
      appendOnly: z.boolean(),
      usedMemoryBytes: z.number().int(),
      maxMemoryBytes: z.number().int().optional().describe('Absent: all there is'),
    }),
    limits: z
      .object({
        queuedRuns: share,
        queuedBytes: share,
        runningRuns: share,
        runners: z
          .array(z.object({ runner: z.string(), atOnce: share, startsLastMinute: share }))
          .describe('What all workers together may have of a runner'),
        openCalls: share.omit({ used: true }),
        listenStreams: share.omit({ used: true }),
        bodyBytes: share.omit({ used: true }),
        requestsPerSecond: share.omit({ used: true }),
      })
      .describe('What the caller has and may have; 0 as the most means no limit'),
  }),
  tells: ['workers', 'queues', 'redis', 'limits'],
  claude: { longAnswers: true },
  annotations: READS,
  scope: 'read',
  handle: (_, context) => statusOfPool(context),
});
