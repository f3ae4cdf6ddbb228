import { z } from 'zod';
import { HOST_NAME, RUN_LIMITS } from '../../client/limits.js';
import type { Submission } from '../../client/submission.js';
import { argumentWord, labelsArgument, requiresArgument } from '../../shared/agents/profile.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import { RUNNERS } from '../../shared/runners/list.js';
import { lengthOfTime } from './length-of-time.js';
import { agentNameArgument, configArgument } from './which-run.js';

const names = RUNNERS.map(({ name }) => name).join(', ');

/** What a run can be asked with. */
export const runArguments = {
  runner: z
    .string()
    .min(1)
    .optional()
    .describe(`The agent program: ${names}, or another that pool_status lists; default: that of the stored agent`),
  prompt: z.string().min(1).describe('What the agent shall do'),
  agentName: agentNameArgument
    .optional()
    .describe(
      'A stored agent (list_agents), whose profile fills in what is not given; or any name by which to find the run and its session again: letters, digits, - and _; default: the runner',
    ),
  sessionId: argumentWord.optional().describe('Resume this session of the agent program'),
  autoResume: z.boolean().default(false).describe('Resume the latest session of this agentName and runner, if any'),
  mode: z.string().optional().describe('A mode of the runner, if it has modes'),
  path: z
    .string()
    .regex(/^\P{Cc}*$/u, 'must not hold control characters')
    .optional()
    .describe("Working directory on the worker, absolute; default: the client's own, elsewhere the worker's"),
  model: argumentWord.optional().describe('The model, as the agent program calls it'),
  timeoutMs: z
    .number()
    .int()
    .min(
      RUN_LIMITS.timeoutMs.least,
      'must be at least 1000: it is in milliseconds, so 300 seconds are 300000 or "300s"',
    )
    .max(RUN_LIMITS.timeoutMs.most)
    .optional()
    .describe('End the run after this time (ms, at least 1000); default: none'),
  silenceTimeoutMs: lengthOfTime(1_000, RUN_LIMITS.silenceTimeoutMs.most)
    .optional()
    .describe('End the run when it prints nothing for this long (ms); 0: never'),
  priority: z
    .number()
    .int()
    .min(RUN_LIMITS.priority.least)
    .max(RUN_LIMITS.priority.most)
    .optional()
    .describe('Order among your own waiting runs: 0 first (default), then 1, 2, ...'),
  delayMs: lengthOfTime(1_000, RUN_LIMITS.delayMs.most).optional().describe('Start no earlier than this from now (ms)'),
  host: z
    .string()
    .regex(HOST_NAME, 'must be 1 to 64 letters, digits, dots, dashes or underscores')
    .optional()
    .describe('Run only on this host'),
  labels: labelsArgument.optional().describe('To find the run by with list_runs: {"key": "value"}'),
  requires: requiresArgument.optional().describe('Labels that its worker must have (pool_status): ["gpu", "repo=web"]'),
  clientToken: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Makes a repeated call safe: the same token gives the same run, never a second one'),
  config: configArgument,
  silent: z
    .boolean()
    .default(false)
    .describe('Taken for compatibility: run_agent never carries output; ask stream_agent_output')
    .meta({ advertised: false }),
};

/** A submission from checked arguments, without those that were not given. */
export function submissionOf(input: z.infer<z.ZodObject<typeof runArguments>>): Submission {
  const { silent: _, config: __, prompt, ...asked } = input;
  return { prompt, ...omitUndefined(asked) };
}
