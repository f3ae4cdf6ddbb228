import { z } from 'zod';
import { HOST_NAME, RUN_LIMITS } from '../../client/limits.js';
import type { Submission } from '../../client/submission.js';
import { argumentWord, labelsArgument } from '../../shared/agents/profile.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import { RUNNERS } from '../../shared/runners/list.js';
import { agentNameArgument, configArgument } from './which-run.js';

const names = RUNNERS.map(({ name }) => name).join(', ');

/** What a run can be asked with. */
export const runArguments = {
  runner: z
    .string()
    .min(1)
    .optional()
    .describe(`The agent program: ${names}, or another that pool_status lists; by default that of the agent's profile`),
  prompt: z.string().min(1).describe('What the agent is asked to do'),
  agentName: agentNameArgument
    .optional()
    .describe(
      'A stored agent (list_agents), whose profile fills in what is not given here; or just a name for follow-up calls and for sessions: letters, digits, - and _; by default the name of the runner',
    ),
  sessionId: argumentWord.optional().describe("Resume this session of the agent program, on the session's own host"),
  autoResume: z
    .boolean()
    .default(false)
    .describe('Resume the latest session of this agentName and runner, if there is one'),
  mode: z.string().optional().describe('A mode of the runner, where it has some'),
  path: z
    .string()
    .regex(/^\P{Cc}*$/u, 'must not hold control characters')
    .optional()
    .describe("The working directory on the worker, absolute; by default the worker's own"),
  model: argumentWord.optional().describe('The model, as the agent program names it'),
  timeoutMs: z
    .number()
    .int()
    .min(
      RUN_LIMITS.timeoutMs.least,
      'must be at least 1000: it is in milliseconds, so 300 seconds are 300000 or "300s"',
    )
    .max(RUN_LIMITS.timeoutMs.most)
    .optional()
    .describe('End the run when it takes longer than this (ms)'),
  silenceTimeoutMs: z
    .number()
    .int()
    .min(RUN_LIMITS.silenceTimeoutMs.least)
    .refine((ms) => ms === 0 || ms >= 1_000, 'must be 0, or at least 1000: it is in milliseconds')
    .max(RUN_LIMITS.silenceTimeoutMs.most)
    .optional()
    .describe('End the run when it prints nothing for so long (ms); 0: never'),
  priority: z
    .number()
    .int()
    .min(RUN_LIMITS.priority.least)
    .max(RUN_LIMITS.priority.most)
    .optional()
    .describe('Among your own runs: 0, the default, goes first; then 1, 2, ...'),
  delayMs: z
    .number()
    .int()
    .min(RUN_LIMITS.delayMs.least)
    .max(RUN_LIMITS.delayMs.most)
    .optional()
    .describe('Do not start before so much time has passed (ms)'),
  host: z.string().regex(HOST_NAME).optional().describe('Only this host may run it'),
  labels: labelsArgument.optional().describe('key=value, to find the run by: list_runs takes labels, too'),
  clientToken: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Makes a repeated call safe: the same token answers with the same run and never starts a second one'),
  config: configArgument,
  silent: z
    .boolean()
    .default(false)
    .describe('Taken for compatibility: run_agent never carries output; ask stream_agent_output'),
};

/** A submission from checked arguments, without those that were not given. */
export function submissionOf(input: z.infer<z.ZodObject<typeof runArguments>>): Submission {
  const { silent: _, config: __, prompt, ...asked } = input;
  return { prompt, ...omitUndefined(asked) };
}
