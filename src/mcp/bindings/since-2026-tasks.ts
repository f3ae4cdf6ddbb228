import {
  CLIENT_CAPABILITIES_META_KEY,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { CallAnswer, Connection } from '../surface.js';
import { cancelTask, getTask, isOver, type RunTask, TASK_TOOL, taskResult } from '../tasks.js';
import { refusing } from './refusals.js';
import { toError } from './since-2026-resources.js';

const EXTENSION = 'io.modelcontextprotocol/tasks';
export const TASKS_CAPABILITY = { extensions: { [EXTENSION]: {} } };

type Envelope = Readonly<Record<string, unknown>> | undefined;
const oneTask = z.object({ taskId: z.string() });

/** Each request says anew what its client takes. */
function takesTasks(envelope: Envelope): boolean {
  const { extensions } = (envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {}) as { extensions?: object };
  return extensions !== undefined && EXTENSION in extensions;
}

/** A run that did not succeed is a completed task with an answer that says so: `failed` is for calls that broke down. */
const wire = ({ keptMs, pollMs, status, ...task }: RunTask) => ({
  ...task,
  status: status === 'failed' ? 'completed' : status,
  ttlMs: keptMs,
  pollIntervalMs: pollMs,
});

/** The answer of a call, as a task where the client takes them and the tool can be one. */
export async function maybeTask(
  connection: Connection,
  name: string,
  answer: CallAnswer,
  envelope: Envelope,
): Promise<CallAnswer> {
  if (name !== TASK_TOOL || answer.isError || !connection.config.mcpTasks || !takesTasks(envelope)) return answer;
  const task = await refusing(() => getTask(connection, String(answer.structuredContent.runId)), toError);
  // At its creation a task goes on, however fast the run was: the client is to ask for its end.
  const created = { resultType: 'task', ...wire(task), status: 'working' };
  return created as unknown as CallAnswer; // of a task the SDK knows nothing
}

/** The extension is written by hand: the SDK has nothing for its servers. */
export function offerTasks(server: Server, connection: Connection): void {
  server.setRequestHandler('tasks/get', { params: oneTask }, ({ taskId }, { mcpReq }) =>
    forTaker(mcpReq.envelope, async () => {
      const task = await getTask(connection, taskId);
      const { status } = wire(task);
      return { ...wire(task), ...(status === 'completed' && { result: await taskResult(connection, taskId) }) };
    }),
  );
  server.setRequestHandler('tasks/cancel', { params: oneTask }, ({ taskId }, { mcpReq }) =>
    forTaker(mcpReq.envelope, async () => {
      const { status } = await getTask(connection, taskId);
      if (!isOver(status)) await cancelTask(connection, taskId);
      return {};
    }),
  );
  server.setRequestHandler('tasks/update', { params: oneTask }, ({ taskId }, { mcpReq }) =>
    forTaker(mcpReq.envelope, async () => {
      await getTask(connection, taskId);
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `task ${taskId} has asked for nothing`);
    }),
  );
}

function forTaker<Value>(envelope: Envelope, action: () => Promise<Value>): Promise<Value> {
  if (!takesTasks(envelope)) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: TASKS_CAPABILITY });
  return refusing(action, toError);
}
