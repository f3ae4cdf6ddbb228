import { z } from 'zod';
import { kill } from '../../client/kill.js';
import { KILL_GRACE_MS, KILL_SIGNALS } from '../../shared/run.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { whichRun } from '../shapes/which-run.js';
import { defineTool } from '../tool.js';

export const killAgent = defineTool({
  name: 'kill_agent',
  title: 'Kill a run',
  description:
    'Ends a run and every process it has started, on whatever host; a queued run never starts. Answers with the fact. Killing what has ended changes nothing and says how it ended.',
  input: z.strictObject({
    ...whichRun,
    signal: z
      .enum(KILL_SIGNALS)
      .default('TERM')
      .describe('What the processes get first; whoever is left after the grace gets KILL'),
    graceMs: z
      .number()
      .int()
      .min(0)
      .max(600_000)
      .default(KILL_GRACE_MS)
      .describe('Between the first signal and KILL (ms)'),
    reason: z.string().max(1_000).optional(),
  }),
  output: z.object({
    runId: z.string(),
    killed: z.boolean(),
    status: z.enum(RUN_STATES),
    pid: z.number().int().optional(),
    wasRunning: z.boolean(),
    pending: z.boolean().optional().describe('The owner cannot be reached; the kill is carried out when it returns'),
    hint: z.string().optional(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'kill',
  handle: ({ signal, graceMs, reason, ...which }, context) => kill(context, which, { signal, graceMs, reason }),
});
