import { z } from 'zod';
import { omitUndefined } from '../omit-undefined.js';
import type { Usage } from '../run.js';
import type { AgentEvent } from '../transcript/event.js';
import { toolCall, toolResult } from '../transcript/tool.js';
import { count, part, truth, words } from './lenient.js';

/** A line of the stream-json that claude brought up, with the fields that it and its kin have in common. */
export const streamJson = z.object({
  type: z.string(),
  subtype: words,
  session_id: words,
  is_error: truth,
  result: words,
  usage: part({ input_tokens: count, output_tokens: count, cache_read_input_tokens: count }),
});

/** What the last line says that the run has spent. */
export function spentOf({ usage }: z.infer<typeof streamJson>): Usage {
  return omitUndefined({
    inputTokens: usage?.input_tokens,
    outputTokens: usage?.output_tokens,
    cachedInputTokens: usage?.cache_read_input_tokens,
  });
}

const block = z.object({
  type: z.string(),
  text: words,
  thinking: words,
  id: words,
  name: words,
  input: z.unknown().optional(),
  tool_use_id: words,
  is_error: truth,
  content: z.unknown().optional(),
});
/** What the model, or a tool for the user, has said: text, or a list of blocks. */
export const said = z.object({
  type: z.enum(['assistant', 'user']),
  parent_tool_use_id: z.string().nullish().catch(undefined),
  message: z.object({ content: z.union([z.string(), z.array(z.unknown())]) }),
});
type Said = z.infer<typeof said>;

/** The events in the blocks of a message; a block that is not known is told as it is. */
export function eventsOfBlocks({ type, message, parent_tool_use_id: parent }: Said): AgentEvent[] {
  const parentToolCallId = parent ?? undefined;
  const { content } = message;
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return blocks.flatMap((value) => {
    const { data } = block.safeParse(value);
    const told = data && eventOfBlock(data, type, parentToolCallId);
    return told ?? [{ type: 'raw', text: JSON.stringify(value) }];
  });
}

function eventOfBlock(
  { type, text, thinking, id, name, input, tool_use_id, is_error, content }: z.infer<typeof block>,
  by: Said['type'],
  parentToolCallId: string | undefined,
): AgentEvent[] | undefined {
  const under = omitUndefined({ parentToolCallId });
  // What stands as text of the user are remarks of the program: the prompt itself is not repeated.
  if (type === 'text' && text !== undefined)
    return [by === 'user' ? { type: 'status', message: text } : { type: 'text', text, ...under }];
  if (type === 'thinking') return thinking ? [{ type: 'thinking', text: thinking, ...under }] : [];
  if (type === 'redacted_thinking') return [];
  if (type === 'tool_use' || type === 'server_tool_use')
    return [toolCall(name ?? 'tool', input, { toolCallId: id, parentToolCallId })];
  if (!type.endsWith('tool_result')) return undefined;
  return [toolResult(is_error !== true, textOfContent(content), { toolCallId: tool_use_id, parentToolCallId })];
}

const textBlock = z.object({ type: z.literal('text'), text: z.string() });

/** What a tool answered: text, or blocks of it among others, such as images, of which only the kind is told. */
function textOfContent(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  return content.map((item) => textBlock.safeParse(item).data?.text ?? `[${kindOf(item)}]`).join('\n');
}
const kindOf = (item: unknown) => z.object({ type: z.string() }).safeParse(item).data?.type ?? 'something else';
