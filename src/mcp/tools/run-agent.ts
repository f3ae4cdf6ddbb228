import { z } from 'zod';
import { argumentWord } from '../../shared/agents/profile.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { RUNNERS } from '../../shared/runners/list.js';
import { failureView, outputUri, runView } from './run-view.js';
import { type Submission, type Submitted, submit } from './submit.js';
import { defineTool } from './tool.js';
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
    .min(100)
    .max(2_592_000_000)
    .optional()
    .describe('End the run when it takes longer than this (ms)'),
  silenceTimeoutMs: z
    .number()
    .int()
    .min(0)
    .max(2_592_000_000)
    .optional()
    .describe('End the run when it prints nothing for so long (ms); 0: never'),
  priority: z.number().int().min(0).max(2_097_152).optional().describe('0, the default, goes first; then 1, 2, ...'),
  delayMs: z
    .number()
    .int()
    .min(0)
    .max(31_536_000_000)
    .optional()
    .describe('Do not start before so much time has passed (ms)'),
  host: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .optional()
    .describe('Only this host may run it'),
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

const output = z.object({
  runId: z.string(),
  runner: z.string(),
  agentName: z.string(),
  status: z.enum(RUN_STATES),
  pid: z.number().int().optional(),
  sessionId: z.string().optional(),
  host: z.string().optional(),
  queuePosition: z.number().int().optional().describe('1: next'),
  waitingFor: runView.shape.waitingFor,
  hint: z.string().optional(),
  failure: failureView.optional(),
  outputUri: z.string(),
  warning: z.string().optional(),
  exitCode: z.number().int().optional().describe('Of a call that was a task, at its end; so are the next two'),
  result: z.string().optional(),
  outputTail: z.string().optional(),
});

/** The answer of a submission, as callers see it. */
function submittedView({ run, queuePosition, waitingFor, warning }: Submitted): z.infer<typeof output> {
  const { id, runner, agentName, state, pid, sessionId, host, failure } = run;
  const hint =
    waitingFor && `Session ${sessionId} is in use: this run starts by itself after run ${waitingFor} has ended.`;
  const optional = { pid, sessionId, host, failure, queuePosition, waitingFor, hint, warning };
  return {
    runId: id,
    runner,
    agentName,
    status: state,
    outputUri: outputUri(id),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** A submission from checked arguments, without those that were not given. */
export function submissionOf(input: z.infer<z.ZodObject<typeof runArguments>>): Submission {
  const { silent: _, ...asked } = input;
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as unknown as Submission;
}

export const runAgent = defineTool({
  name: 'run_agent',
  title: 'Run an agent',
  description:
    'Submits a job to an agent program and answers at once with its runId; the run goes on by itself, whatever becomes of this connection. Then: wait_agent for its end, stream_agent_output to follow it, kill_agent to end it.',
  input: z.strictObject(runArguments),
  output,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  scope: 'run',
  handle: async (input, context) => submittedView(await submit(context, submissionOf(input))),
});
