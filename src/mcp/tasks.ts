import type { Caller } from '../client/caller.js';
import { kill } from '../client/kill.js';
import { findRuns } from '../client/list-runs.js';
import { outputUri, type RunView } from '../client/run-view.js';
import { statusOf } from '../client/status.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { KILL_GRACE_MS } from '../shared/run.js';
import { isEnded, type RunState } from '../shared/run-state.js';
import { type Asker, ask } from './ask.js';

/** The tool whose calls can be tasks: the task is the run, and its id is the run id, which nobody can guess. */
export const TASK_TOOL = 'run_agent';
/** Tasks on one page of the list. */
const PAGE = 20;
/** How often a client is to look (ms). */
const POLL_MS = 2_000;

/** Longer than any client waits (ms). */
const WAIT_MS = 86_400_000;

type TaskStatus = 'working' | 'completed' | 'failed' | 'cancelled';

const STATUS: Readonly<Record<RunState, TaskStatus>> = {
  queued: 'working',
  running: 'working',
  orphaned: 'working',
  done: 'completed',
  failed: 'failed',
  timed_out: 'failed',
  killed: 'cancelled',
};

/** A run as a task, whatever the protocol calls its members. */
export interface RunTask {
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly statusMessage: string;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  /** How long it can be asked for (ms). */
  readonly keptMs: number;
  readonly pollMs: number;
}

/** Whether a task can change no more. */
export const isOver = (status: TaskStatus) => status !== 'working';

function taskOf({ pool }: Pick<Caller, 'pool'>, run: RunView): RunTask {
  const { runId, agentName, status, failure, queuedAtIso, startedAtIso, lastOutputAtIso, endedAtIso } = run;
  return {
    taskId: runId,
    status: STATUS[status],
    statusMessage: `the task id is the run id: run ${runId} of agent ${agentName}: ${status}${failure ? `, ${failure.message}` : ''}`,
    createdAt: queuedAtIso,
    lastUpdatedAt: endedAtIso ?? lastOutputAtIso ?? startedAtIso ?? queuedAtIso,
    keptMs: pool.config.recordRetentionMs,
    pollMs: POLL_MS,
  };
}

/** The task of a run as it is now. Throws a RefusedError when the principal has no such run. */
export async function getTask(asker: Asker, taskId: string): Promise<RunTask> {
  return ask(asker, 'read', 'tasks', async (caller) => taskOf(caller, await statusOf(caller, { runId: taskId }, 0)));
}

/** The tasks of a principal, newest first: every run is one, however it was asked for. */
export async function listTasks(asker: Asker, cursor: string | undefined) {
  return ask(asker, 'read', 'tasks', async (caller) => {
    const { runs, nextCursor } = await findRuns(caller, { limit: PAGE, cursor });
    return { tasks: runs.map((run) => taskOf(caller, run)), ...omitUndefined({ nextCursor }) };
  });
}

/** What the call would have answered if it had waited for the end of its run: that of run_agent, with what came of it. */
export async function taskResult(asker: Asker, taskId: string) {
  const run = await ask(asker, 'read', 'tasks', (caller) => statusOf(caller, { runId: taskId }));
  const { runId, runner, agentName, status, pid, sessionId, host, failure, exitCode, result, outputTail } = run;
  const optional = { pid, sessionId, host, failure, exitCode, result };
  const body = {
    runId,
    runner,
    agentName,
    status,
    ...omitUndefined(optional),
    outputTail,
    outputUri: outputUri(runId),
  };
  return {
    content: [{ type: 'text' as const, text: JSON.stringify(body) }],
    structuredContent: body,
    ...(status !== 'done' && { isError: true }),
  };
}

/** Waits until a task has ended, or the caller gives up. */
export async function taskEnded(asker: Asker, taskId: string, signal: AbortSignal): Promise<RunTask> {
  const task = await getTask(asker, taskId);
  if (isOver(task.status)) return task;
  await (await asker.pool()).runs.wait(taskId, ({ state }) => isEnded(state), {
    timeoutMs: WAIT_MS,
    wakesOn: isEnded,
    signal,
  });
  return getTask(asker, taskId);
}

/** Kills the run, and answers the task as it is then: still working where its worker cannot be reached. */
export async function cancelTask(asker: Asker, taskId: string): Promise<RunTask> {
  const options = { signal: 'TERM', graceMs: KILL_GRACE_MS, reason: 'its task was cancelled' } as const;
  await ask(asker, 'kill', 'tasks/cancel', (caller) => kill(caller, { runId: taskId }, options));
  return getTask(asker, taskId);
}
