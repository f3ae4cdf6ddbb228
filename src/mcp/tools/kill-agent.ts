import { z } from 'zod';
import { kill } from '../../client/kill.js';
import { KILL_GRACE_MS, KILL_SIGNALS } from '../../shared/run.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { lengthOfTime } from '../shapes/length-of-time.js';
import { whichRun } from '../shapes/which-run.js';
import { defineTool } from '../tool.js';

export const killAgent = defineTool({
  name: 'kill_agent',
  title: 'Kill a run',
  description:
    'Ends a run and every process that it started, on any host; a queued run never starts. Answers when they are gone. If the run has ended already, it says how.',
  input: z.strictObject({
    ...whichRun,
    signal: z.enum(KILL_SIGNALS).default('TERM').describe('Sent first; what is left after graceMs gets KILL'),
    graceMs: lengthOfTime(100, 600_000).default(KILL_GRACE_MS).describe('Time between signal and KILL (ms)'),
    reason: z.string().max(1_000).optional(),
  }),
  output: z.object({
    runId: z.string(),
    killed: z.boolean(),
    status: z.enum(RUN_STATES),
    pid: z.number().int().optional(),
    wasRunning: z.boolean(),
    pending: z.boolean().optional().describe('The owner cannot be reached; the kill is carried out when it returns'),
    unconfirmed: z.boolean().optional().describe('Redis could not keep the request; kill again once it takes writes'),
    hint: z.string().optional(),
  }),
  tells: ['killed', 'status', 'pending', 'unconfirmed', 'hint'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'kill',
  handle: ({ signal, graceMs, reason, ...which }, context) => kill(context, which, { signal, graceMs, reason }),
});
