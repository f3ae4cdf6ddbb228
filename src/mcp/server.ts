import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type Tool as McpTool,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Pool } from '../shared/pool.js';
import { VERSION } from '../shared/version.js';
import { callTool, type ErrorBody } from './call.js';
import { TOOLS } from './tools/list.js';
import type { Tool } from './tools/tool.js';

/** The longest that one call blocks (ms): under the 60 s of most clients; more for those that were measured. */
const WAIT_CAP_MS = 45_000;
const PATIENT_WAIT_CAP_MS = 110_000;
const PATIENT_CLIENTS = /^(claude-code|codex-mcp-client|codex)$/;
/** Claude Code puts longer answers into a file unless a tool says that it means it (characters). */
const CLAUDE_RESULT_CHARS = 200_000;

const INSTRUCTIONS =
  'agentpool runs agent programs as durable jobs on a pool of machines. run_agent answers at once with a runId; the run goes on whatever becomes of this connection. ' +
  'wait_agent waits for the end (call it again when it timed out), stream_agent_output follows what is printed, get_agent_status and list_runs tell what there is, kill_agent ends a run with all of its processes.';

/** How long one call may block for a client of this name (ms). */
export function waitCapFor(clientName: string | undefined, configured: number | undefined): number {
  return configured ?? (PATIENT_CLIENTS.test(clientName ?? '') ? PATIENT_WAIT_CAP_MS : WAIT_CAP_MS);
}

/** Binds the table of tools to the SDK: the one place where it is known. */
export function createMcpServer(pool: Pool): Server {
  const server = new Server(
    { name: 'agentpool', title: 'agentpool', version: VERSION },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS.map(describeTool) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra): Promise<CallToolResult> => {
    const tool = TOOLS.find(({ name }) => name === params.name);
    if (!tool)
      throw new McpError(
        ErrorCode.InvalidParams,
        `there is no tool ${params.name}; there are ${TOOLS.map(({ name }) => name).join(', ')}`,
      );
    const progressToken = params._meta?.progressToken;
    const answer = await callTool(tool, params.arguments, {
      pool,
      signal: extra.signal,
      waitCapMs: waitCapFor(server.getClientVersion()?.name, pool.config.waitCapMs),
      ...(progressToken !== undefined && {
        progress: (progress: number, message: string) => {
          extra
            .sendNotification({ method: 'notifications/progress', params: { progressToken, progress, message } })
            .catch(() => {});
        },
      }),
    });
    // Some clients show their model only the structured content, some only the text: both say everything.
    const body = answer.ok ? answer.value : { ...answer.error };
    return {
      content: [{ type: 'text', text: JSON.stringify(body) }],
      structuredContent: body,
      ...(!answer.ok && { isError: true }),
    };
  });
  return server;
}

const ERROR_MEMBERS = ['code', 'message', 'hint'] as const satisfies readonly (keyof ErrorBody)[];

/**
 * What a tool answers with: its output, or an error. Clients built on the SDK hold every structured content against
 * this schema, that of an error too, and hide an error that does not fit behind a complaint of their own.
 */
function answerSchema(output: Tool['output']): NonNullable<McpTool['outputSchema']> {
  const { required = [], properties, ...rest } = z.toJSONSchema(output, { io: 'output' });
  const errorProperties = Object.fromEntries(ERROR_MEMBERS.map((name) => [name, { type: 'string' }]));
  return {
    ...rest,
    type: 'object',
    properties: { ...errorProperties, ...(properties as Record<string, object>) },
    anyOf: [{ required }, { required: [...ERROR_MEMBERS] }],
  };
}

function describeTool({ name, title, description, input, output, annotations }: Tool): McpTool {
  return {
    name,
    title,
    description,
    inputSchema: z.toJSONSchema(input, { io: 'input' }) as McpTool['inputSchema'],
    outputSchema: answerSchema(output),
    annotations: { title, ...annotations },
    _meta: { 'anthropic/maxResultSizeChars': CLAUDE_RESULT_CHARS },
  };
}
