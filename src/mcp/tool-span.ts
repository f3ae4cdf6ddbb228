import { readTraceContext, type TraceContext, type TraceHeaders } from '../shared/traces/trace-context.js';
import type { SpanEnd } from '../shared/traces/traces.js';
import type { Answer } from './call.js';
import type { Tool, ToolContext } from './tool.js';

/** Where a call says that it is in a trace: itself, and the request over HTTP that it came with. */
export interface Carried {
  readonly meta: unknown;
  readonly request: TraceHeaders | undefined;
}

/** Carries out a call within a span of its own, where somebody wants traces. */
export async function traced(
  tool: Tool,
  context: ToolContext,
  carried: Carried,
  carryOut: (context: ToolContext) => Promise<Answer>,
): Promise<Answer> {
  const { traces } = context.pool;
  if (!traces) return carryOut(context);
  const { parent, links } = placeOf(carried);
  const span = traces.begin(`tools/call ${tool.name}`, {
    kind: 'server',
    parent,
    links,
    facts: {
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': tool.name,
      'network.transport': carried.request ? 'tcp' : 'pipe',
      'agentpool.principal': context.principal.name,
    },
  });
  const within = span.context ?? parent;
  const answer = await carryOut({ ...context, ...(within && { trace: within }) });
  span.end(endOf(answer));
  return answer;
}

/** The call itself knows best: one request may carry several, of several callers. */
function placeOf({ meta, request }: Carried): {
  readonly parent: TraceContext | undefined;
  readonly links: readonly TraceContext[];
} {
  const ofCall = typeof meta === 'object' && meta !== null ? readTraceContext(meta) : undefined;
  const ofRequest = request && readTraceContext(request);
  return ofCall ? { parent: ofCall, links: ofRequest ? [ofRequest] : [] } : { parent: ofRequest, links: [] };
}

/** What an MCP client sees as an error is one here, with the code of it. */
function endOf(answer: Answer): SpanEnd {
  if (!answer.ok) return { error: 'tool_error', facts: { 'agentpool.error.code': answer.error.code } };
  const { runId } = answer.value;
  return typeof runId === 'string' ? { facts: { 'agentpool.run.id': runId } } : {};
}
