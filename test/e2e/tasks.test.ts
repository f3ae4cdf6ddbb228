import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, CreateTaskResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { bearerOf } from '../support/http-token.js';
import { steps } from '../support/pool.js';
import { eventually, type Facts, openMcp, type Started, startServeProcess } from '../support/processes.js';

const place = onePlace();
oneWorker(place);
let server: Started & { url: string };
let other: Started & { url: string };
const mcp = oneMcp(place);

beforeAll(async () => {
  [server, other] = await Promise.all([startServeProcess(place), startServeProcess(place)]);
});
afterAll(async () => {
  await Promise.all([server.end(), other.end()]);
});

/** A step that waits for a gate of this name, and what opens it. */
const until = (gate: string) => ({ until: join(place.work, gate) });
const open = (gate: string) => writeFileSync(join(place.work, gate), '');
const scripted = (...list: Facts[]) => ({ runner: 'scripted', prompt: steps(...list) });

async function overHttp({ url }: { url: string }): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit: { headers: bearerOf(place) } }) as never,
  );
  return client;
}

describe('with protocol 2025-11-25 a call that asks to be a task', () => {
  /** Calls run_agent as a task and drives it to its end as the SDK does; `made` is called when there is one. */
  async function drive(client: Client, args: Facts, made: () => void) {
    const messages: Facts[] = [];
    const params = { name: 'run_agent', arguments: args };
    await client.listTools();
    for await (const message of client.experimental.tasks.callToolStream(params, CallToolResultSchema, {
      task: { ttl: 60_000 },
    })) {
      messages.push(message as unknown as Facts);
      if (message.type === 'taskCreated') made();
    }
    return messages as { type: string; task?: Facts; result?: Facts }[];
  }

  it('is one whose id is the run id, and ends with the result of the run', async () => {
    const messages = await drive(mcp.client, scripted(until('made'), { print: '{"result":"42"}\n' }), () =>
      open('made'),
    );
    expect(messages[0]).toMatchObject({ type: 'taskCreated', task: { status: 'working' } });
    const taskId = messages[0]?.task?.taskId;
    expect(await mcp.call('get_agent_status', { runId: taskId })).toMatchObject({ status: 'done' });
    const last = messages.at(-1);
    expect(last).toMatchObject({
      type: 'result',
      result: { structuredContent: { runId: taskId, status: 'done', result: '42', exitCode: 0 } },
    });
    expect(last?.result).not.toHaveProperty('isError');
  });

  it('is a failed one when the run fails, with the failure in its result', async () => {
    const { runId } = await mcp.call<{ runId: string }>('run_agent', scripted({ print: 'so far\n' }, { exit: 3 }));
    await mcp.call('wait_agent', { runId });
    expect(await mcp.client.experimental.tasks.getTask(runId)).toMatchObject({ status: 'failed' });
    expect(await mcp.client.experimental.tasks.getTaskResult(runId, CallToolResultSchema)).toMatchObject({
      isError: true,
      structuredContent: { status: 'failed', failure: { kind: 'exit' }, outputTail: 'so far\n' },
      _meta: { 'io.modelcontextprotocol/related-task': { taskId: runId } },
    });
  });

  it('is answered by every replica, listed there, waited for there, and killed there', async () => {
    const [here, there] = await Promise.all([overHttp(server), overHttp(other)]);
    const created = await here.request(
      { method: 'tools/call', params: { name: 'run_agent', arguments: scripted({ pause: 60_000 }), task: {} } },
      CreateTaskResultSchema,
    );
    const { taskId } = created.task;
    await eventually(
      () => mcp.call<Facts>('get_agent_status', { runId: taskId }),
      ({ status }) => status === 'running',
    );
    const result = there.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
    expect(await there.experimental.tasks.getTask(taskId)).toMatchObject({ taskId, status: 'working' });
    const { tasks } = await there.experimental.tasks.listTasks();
    expect(tasks.map((task) => task.taskId)).toContain(taskId);
    expect(await there.experimental.tasks.cancelTask(taskId)).toMatchObject({
      status: 'cancelled',
      statusMessage: expect.stringContaining(`the task id is the run id: run ${taskId}`),
    });
    expect(await result).toMatchObject({ isError: true, structuredContent: { status: 'killed' } });
    expect(await mcp.call('get_agent_status', { runId: taskId })).toMatchObject({ status: 'killed' });
    await expect(here.experimental.tasks.cancelTask(taskId)).rejects.toMatchObject({ code: -32_602 });
    await Promise.all([here.close(), there.close()]);
  });

  it('is refused for wrong arguments, for another tool, and for a task that is not there', async () => {
    const ask = (name: string, args: Facts) =>
      mcp.client.request({ method: 'tools/call', params: { name, arguments: args, task: {} } }, CallToolResultSchema);
    await expect(ask('run_agent', { runner: 'nobody', prompt: 'x' })).rejects.toMatchObject({
      code: -32_602,
      message: expect.stringMatching(/there is no "nobody"\. Use one of: claude/),
      data: { code: 'unknown_runner', hint: expect.stringMatching(/claude/) },
    });
    await expect(ask('list_runs', {})).rejects.toMatchObject({ code: -32_601 });
    await expect(mcp.client.experimental.tasks.getTask('nobody')).rejects.toMatchObject({ code: -32_602 });
  });

  it('is the only kind that is one: run_agent answers others at once, and says that it can', async () => {
    const { tools } = await mcp.client.listTools();
    const taking = tools.filter(({ execution }) => execution !== undefined);
    expect(taking.map(({ name, execution }) => [name, execution])).toEqual([
      ['run_agent', { taskSupport: 'optional' }],
    ]);
    expect(await mcp.call('run_agent', scripted({ print: 'x' }))).toMatchObject({ runId: expect.any(String) });
  });
});

describe('with protocol 2026-07-28', () => {
  const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
  let lastId = 0;

  /** One request as it is on the wire, since the client of the SDK takes no tasks. */
  async function ask(method: string, params: Facts, capabilities: Facts = TASKS, at = server): Promise<Facts> {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': capabilities,
    };
    lastId += 1;
    const response = await fetch(`${at.url}/mcp`, {
      method: 'POST',
      headers: {
        ...bearerOf(place),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(method === 'tools/call' && { 'mcp-name': String(params.name) }),
        ...(method.startsWith('tasks/') && { 'mcp-name': String(params.taskId) }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: lastId, method, params: { ...params, _meta: meta } }),
    });
    const text = await response.text();
    const data = text
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .at(-1);
    return JSON.parse(data?.slice('data: '.length) ?? text) as Facts;
  }
  const run = (args: Facts, capabilities?: Facts) =>
    ask('tools/call', { name: 'run_agent', arguments: args }, capabilities) as Promise<{ result: Facts }>;

  it('a client that takes tasks is given one, whose end any replica tells', async () => {
    const { result } = await run(scripted(until('given'), { print: '{"result":"42"}\n' }));
    expect(result).toMatchObject({ resultType: 'task', status: 'working', taskId: expect.stringMatching(/^r\w{19}$/) });
    open('given');
    const { taskId } = result;
    const got = await eventually(
      async () => (await ask('tasks/get', { taskId }, TASKS, other)).result as Facts,
      ({ status }) => status !== 'working',
    );
    expect(got).toMatchObject({
      resultType: 'complete',
      taskId,
      status: 'completed',
      result: { structuredContent: { runId: taskId, status: 'done', result: '42' } },
    });
  });

  it('a run that fails is a completed task, whose answer is an error', async () => {
    const { taskId } = (await run(scripted({ exit: 3 }))).result;
    const got = await eventually(
      async () => (await ask('tasks/get', { taskId })).result as Facts,
      ({ status }) => status !== 'working',
    );
    expect(got).toMatchObject({ status: 'completed', result: { isError: true } });
  });

  it('a cancelled task is a killed run', async () => {
    const { taskId } = (await run(scripted({ pause: 60_000 }))).result;
    expect(await ask('tasks/cancel', { taskId }, TASKS, other)).toMatchObject({ result: { resultType: 'complete' } });
    expect(await ask('tasks/get', { taskId })).toMatchObject({ result: { status: 'cancelled' } });
    expect(await mcp.call('get_agent_status', { runId: taskId })).toMatchObject({ status: 'killed' });
    expect(await ask('tasks/cancel', { taskId })).toMatchObject({ result: {} });
  });

  it('a client that does not say so is never given one, and may not ask for one', async () => {
    const { result } = await run(scripted({ print: 'x' }), {});
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { runId: expect.any(String) } });
    const { runId } = result.structuredContent as Facts;
    expect(await ask('tasks/get', { taskId: runId }, {})).toMatchObject({ error: { code: -32_021 } });
  });

  it('wrong arguments are an error of the tool, and a task that is not there one of the call', async () => {
    expect((await run({ runner: 'nobody', prompt: 'x' })).result).toMatchObject({
      resultType: 'complete',
      isError: true,
      structuredContent: { code: 'unknown_runner' },
    });
    expect(await ask('tasks/get', { taskId: 'nobody' })).toMatchObject({ error: { code: -32_602 } });
    expect(await ask('tasks/cancel', { taskId: 'nobody' })).toMatchObject({ error: { code: -32_602 } });
    expect(await ask('tasks/update', { taskId: 'nobody' })).toMatchObject({ error: { code: -32_602 } });
  });

  it('the extension is told of', async () => {
    const { result } = await ask('server/discover', {}, {});
    expect(result).toMatchObject({ capabilities: TASKS });
  });
});

describe('with AGENTPOOL_MCP_TASKS=false', () => {
  it('nothing is a task', async () => {
    const without = await openMcp({ ...place, env: { ...place.env, AGENTPOOL_MCP_TASKS: 'false' } });
    expect(without.client.getServerCapabilities()).not.toHaveProperty('tasks');
    const { tools } = await without.client.listTools();
    expect(tools.filter(({ execution }) => execution !== undefined)).toEqual([]);
    await without.close();
  });
});
