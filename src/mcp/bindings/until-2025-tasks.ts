import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CancelTaskRequestSchema,
  type CreateTaskResult,
  ErrorCode,
  GetTaskPayloadRequestSchema,
  GetTaskRequestSchema,
  ListTasksRequestSchema,
  McpError,
  RELATED_TASK_META_KEY,
} from '@modelcontextprotocol/sdk/types.js';
import type { CallAnswer, Connection } from '../surface.js';
import { cancelTask, getTask, isOver, listTasks, type RunTask, TASK_TOOL, taskEnded, taskResult } from '../tasks.js';
import { type RpcRefusal, refusing } from './refusals.js';

/** For the server, and for the tool that takes part. Calls without a task stay what they are. */
export const TASKS_CAPABILITY = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
export const TASK_EXECUTION = { taskSupport: 'optional' as const };
/** What the model may be told while the task goes on. */
const IMMEDIATE_RESPONSE = 'io.modelcontextprotocol/model-immediate-response';

const toError = ({ code, message, data }: RpcRefusal) => new McpError(code, message, data);
const wire = ({ keptMs, pollMs, ...task }: RunTask) => ({ ...task, ttl: keptMs, pollInterval: pollMs });

/** Throws for a call that asks to be a task and cannot. */
export function checkTask(name: string): void {
  if (name !== TASK_TOOL)
    throw new McpError(ErrorCode.MethodNotFound, `${name} does not run as a task; only ${TASK_TOOL} does`);
}

/** The answer of a call that asked to be a task. */
export async function asTask(connection: Connection, answer: CallAnswer): Promise<CreateTaskResult> {
  const { isError, structuredContent: body, content } = answer;
  // Of an error, most clients show the message alone.
  if (isError) throw new McpError(ErrorCode.InvalidParams, [body.message, body.hint].filter(Boolean).join('. '), body);
  const task = await refusing(() => getTask(connection, String(body.runId)), toError);
  const told = `The task is run ${task.taskId}: its id is the run id of all other tools. ${content[0]?.text ?? ''}`;
  return { task: wire(task), _meta: { [IMMEDIATE_RESPONSE]: told } };
}

export function offerTasks(server: Server, connection: Connection): void {
  server.setRequestHandler(GetTaskRequestSchema, ({ params: { taskId } }) =>
    refusing(async () => wire(await getTask(connection, taskId)), toError),
  );
  server.setRequestHandler(ListTasksRequestSchema, ({ params }) =>
    refusing(async () => {
      const { tasks, ...rest } = await listTasks(connection, params?.cursor);
      return { ...rest, tasks: tasks.map(wire) };
    }, toError),
  );
  server.setRequestHandler(GetTaskPayloadRequestSchema, ({ params: { taskId } }, { signal }) =>
    refusing(async () => {
      const { status } = await connection.calls.during(signal, (given) => taskEnded(connection, taskId, given));
      if (!isOver(status)) throw new McpError(ErrorCode.InternalError, 'this server is stopping; ask again');
      return { ...(await taskResult(connection, taskId)), _meta: { [RELATED_TASK_META_KEY]: { taskId } } };
    }, toError),
  );
  server.setRequestHandler(CancelTaskRequestSchema, ({ params: { taskId } }) =>
    refusing(async () => {
      const { status } = await getTask(connection, taskId);
      if (isOver(status)) throw new McpError(ErrorCode.InvalidParams, `task ${taskId} is over: ${status}`);
      return wire(await cancelTask(connection, taskId));
    }, toError),
  );
}
