import type { WhichRun } from '../../client/find-run.js';
import { asksForEnd, startOf } from '../../client/read-output.js';
import { viewOf } from '../../client/run-view.js';
import type { Submission } from '../../client/submission.js';
import { textOf } from '../../shared/plain-text.js';
import { isEnded } from '../../shared/run-state.js';
import { cursorOf, lastLines, wholeCharacters } from '../../shared/run-store/output.js';
import type { ToolContext } from '../tool.js';
import { adoptSession, type OvermindRun, overmindRun } from './named-workspace.js';

/** How much of the end of the output an answer about the whole run shows (bytes). */
const TAIL_BYTES = 2_048;
/** When to look at a file again that nobody announces changes of (ms). */
const LOOK_AGAIN_MS = 5_000;
/** As JSON, with every character escaped, it still reaches its client. */
const MOST_BYTES = 500_000;

const cursorAt = (offset: number, { id }: OvermindRun['run']) => cursorOf({ entry: '0-0', out: offset, err: 0 }, id);

/** The last bytes, from the beginning of a character on. */
function tailOf(output: Buffer, bytes: number): Buffer {
  let from = Math.max(0, output.length - bytes);
  while (from > 0 && from < output.length && ((output[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return output.subarray(from);
}

/** What get_agent_status says of a run of overmind. */
function statusAnswer({ run, output, uncertain, source }: OvermindRun, tailBytes: number) {
  return {
    ...viewOf(run),
    outputTail: textOf(tailOf(output, tailBytes), false),
    source,
    ...(uncertain && { uncertain }),
  };
}

/** What wait_agent says: nobody tells us of its end, so there is nothing to wait on. */
function waitAnswer({ run, output, source }: OvermindRun) {
  const { id, agentName, state, exitCode } = run;
  const timedOut = !isEnded(state);
  return {
    runId: id,
    agentName,
    status: state,
    output: textOf(tailOf(output, TAIL_BYTES), false),
    nextCursor: cursorAt(output.length, run),
    timedOut,
    pollAfterMs: timedOut ? LOOK_AGAIN_MS : 0,
    ...(exitCode !== undefined && { exitCode }),
    ...(timedOut && { hint: `It is a run of overmind, of which only ${source} tells; ask again after a while.` }),
  };
}

/** What kill_agent says: the number in a file may by now be that of any process, so nothing is ended for it. */
function killAnswer({ run, source }: OvermindRun) {
  const { id, state, pid } = run;
  const wasRunning = !isEnded(state);
  const hint = `It is a run of overmind, and ${source} is all that tells its process: agentpool ends only what it started itself. Make sure that the process is still the agent, and end it on its machine.`;
  return {
    runId: id,
    killed: false,
    status: state,
    wasRunning,
    ...(pid !== undefined && { pid }),
    ...(wasRunning && { hint }),
  };
}

interface OutputAsked {
  readonly cursor?: string | undefined;
  readonly sinceTimestamp?: number | undefined;
  readonly tail?: number | undefined;
  readonly tailBytes?: number | undefined;
  readonly stream: 'both' | 'stdout' | 'stderr';
  readonly maxBytes: number;
  readonly ansi: boolean;
  readonly encoding: 'utf8' | 'base64';
}

/** What stream_agent_output says; overmind kept no times for parts of the output. */
async function outputAnswer({ run, output: all }: OvermindRun, asked: OutputAsked, caller: ToolContext) {
  const {
    sinceTimestamp,
    tail = Number.POSITIVE_INFINITY,
    tailBytes = MOST_BYTES,
    stream,
    maxBytes,
    ansi,
    encoding,
  } = asked;
  const start = await startOf(caller, run.id, asked);
  const output = stream === 'stderr' ? Buffer.alloc(0) : all;
  const lastAt = run.lastOutputAt ?? run.queuedAt;
  const nothingSince = sinceTimestamp !== undefined && lastAt <= sinceTimestamp;
  const given = Math.max(0, start.out);
  const from = nothingSince
    ? output.length
    : asksForEnd(asked)
      ? output.length - lastLines(tailOf(output, tailBytes), tail).length
      : Math.min(given, output.length);
  const rest = output.subarray(from, from + Math.min(maxBytes, MOST_BYTES));
  const bytes = from + rest.length < output.length ? rest.subarray(0, wholeCharacters(rest) || rest.length) : rest;
  const end = from + bytes.length;
  return {
    runId: run.id,
    output: encoding === 'base64' ? bytes.toString('base64') : textOf(bytes, ansi),
    status: run.state,
    isComplete: isEnded(run.state) && end === output.length,
    nextCursor: cursorAt(end, run),
    hasMore: end < output.length,
    droppedBytes: 0,
    ...(bytes.length > 0 && { lastTimestamp: lastAt }),
  };
}

type Arguments = Readonly<Record<string, unknown>>;

/** What the tools that are about one run answer of a run of overmind. */
const ANSWERS: Readonly<
  Record<string, (run: OvermindRun, args: Arguments, caller: ToolContext) => object | Promise<object>>
> = {
  get_agent_status: (run, { tailBytes }) => statusAnswer(run, Number(tailBytes)),
  wait_agent: waitAnswer,
  kill_agent: killAnswer,
  stream_agent_output: (run, args, caller) => outputAnswer(run, args as unknown as OutputAsked, caller),
};

/**
 * What a call is answered from the workspaces that its `config` names, where this pool knows nothing of the agent;
 * undefined when the tool itself has to answer. For runs that are to resume, their sessions are remembered first.
 */
export async function answerFromWorkspace(
  tool: string,
  args: Arguments,
  context: ToolContext,
): Promise<object | undefined> {
  const submissions =
    tool === 'run_agent' ? [args] : tool === 'run_agents_parallel' ? (args.agents as Arguments[]) : [];
  for (const { config, ...submission } of submissions)
    if (typeof config === 'string') await adoptSession(context, config, submission as unknown as Submission);
  const answer = ANSWERS[tool];
  const { config, runIds } = args;
  if (!answer || typeof config !== 'string' || runIds !== undefined) return undefined;
  const run = await overmindRun(context, config, args as WhichRun);
  return run && answer(run, args, context);
}
