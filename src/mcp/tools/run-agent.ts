import { z } from 'zod';
import { outputUri } from '../../client/run-view.js';
import { type Submitted, submit, warningOf } from '../../client/submit.js';
import { waitingInWords } from '../../client/waiting-for.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { runArguments, submissionOf } from '../shapes/run-arguments.js';
import { failureShape } from '../shapes/run-shape.js';
import { waitingForShape } from '../shapes/waiting-for-shape.js';
import { defineTool } from '../tool.js';

const output = z.object({
  runId: z.string(),
  runner: z.string(),
  agentName: z.string(),
  status: z.enum(RUN_STATES),
  pid: z.number().int().optional(),
  sessionId: z.string().optional(),
  host: z.string().optional(),
  queuePosition: z.number().int().optional().describe('1: next'),
  waitingFor: waitingForShape,
  hint: z.string().optional(),
  failure: failureShape.optional(),
  outputUri: z.string(),
  warning: z.string().optional(),
  exitCode: z.number().int().optional().describe('Of a call that was a task, at its end; so are the next two'),
  result: z.string().optional(),
  outputTail: z.string().optional(),
});

/** The answer of a submission, as callers see it. */
function submittedView(submitted: Submitted) {
  const { run, queuePosition, waitingFor } = submitted;
  const warning = warningOf(submitted, 'queued');
  const { id, runner, agentName, state, pid, sessionId, host, failure } = run;
  const hint = waitingFor && !warning ? waitingInWords(waitingFor) : undefined;
  const optional = { pid, sessionId, host, failure, queuePosition, waitingFor, hint, warning };
  return {
    runId: id,
    runner,
    agentName,
    status: state,
    outputUri: outputUri(id),
    ...omitUndefined(optional),
  };
}

export const runAgent = defineTool({
  name: 'run_agent',
  title: 'Run an agent',
  description:
    'Starts an agent program (claude, codex, gemini, ...) on a task in the background and answers at once with a runId. Then: wait_agent for its end, stream_agent_output to follow it, kill_agent to end it. The run goes on even if this connection is lost.',
  input: z.strictObject(runArguments),
  output,
  tells: ['runId', 'status', 'waitingFor', 'warning', 'hint'],
  claude: { alwaysLoad: true },
  hasApp: true,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  scope: 'run',
  handle: async (input, context) => submittedView(await submit(context, submissionOf(input))),
});
