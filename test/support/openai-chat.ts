import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Asked, Protocol, Said, Turn } from './model-endpoint.js';
import { bearerOf, openAiRefusal } from './openai-manners.js';
import { sent } from './server-sent.js';

const part = z.object({ type: z.string(), text: z.string().optional() });
const content = z.union([z.string(), z.array(part), z.null()]).optional();
const request = z.object({
  model: z.string(),
  stream: z.boolean().default(false),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant', 'system', 'developer', 'tool']), content })),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).default([]),
});

const textOf = (given: z.infer<typeof content>) =>
  typeof given === 'string' ? given : (given ?? []).flatMap(({ text }) => text ?? []).join('\n');

function saidOf({ role, content: given }: z.infer<typeof request>['messages'][number]): Said {
  const text = textOf(given);
  if (role === 'tool') return { role: 'user', text: '', toolResults: [text] };
  return { role: role === 'developer' ? 'system' : role, text, toolResults: [] };
}

/** Constant figures: tests can tell them apart. */
const USAGE = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };

const callOf = ({ tool, input }: NonNullable<Turn['call']>) => ({
  id: `call_${randomBytes(11).toString('hex')}`,
  type: 'function',
  function: { name: tool, arguments: JSON.stringify(input) },
});
const finishReason = ({ call }: Turn) => (call ? 'tool_calls' : 'stop');
const created = 1_790_000_000;

/** OpenAI's chat completions, as far as agent programs use them. */
export const openAiChat: Protocol = {
  keyOf: bearerOf,
  read: (path, body) => {
    if (!path.endsWith('/chat/completions')) return undefined;
    const { model, stream, messages, tools } = request.parse(body);
    const said = messages.map(saidOf);
    return {
      model,
      streaming: stream,
      system: said.flatMap(({ role, text }) => (role === 'system' ? [text] : [])).join('\n'),
      messages: said,
      tools: tools.map((tool) => tool.function.name),
    };
  },
  aside: () => ({ object: 'list', data: [] }),
  refusal: openAiRefusal,
  whole: ({ model }: Asked, turn) => ({
    id: `chatcmpl-${randomBytes(11).toString('hex')}`,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: (turn.say ?? []).join('') || null,
          ...(turn.call && { tool_calls: [callOf(turn.call)] }),
        },
        finish_reason: finishReason(turn),
      },
    ],
    usage: USAGE,
  }),
  events: ({ model }, turn) => {
    const id = `chatcmpl-${randomBytes(11).toString('hex')}`;
    const chunk = (choices: readonly object[], more: object = {}, piece = false) =>
      sent({ id, object: 'chat.completion.chunk', created, model, choices, ...more }, { piece });
    const delta = (given: object, finish: string | null = null, piece = false) =>
      chunk([{ index: 0, delta: given, finish_reason: finish }], {}, piece);
    return [
      delta({ role: 'assistant', content: '' }),
      ...(turn.say ?? []).map((piece, at) => delta({ content: piece }, null, at > 0)),
      ...(turn.call ? [delta({ tool_calls: [{ index: 0, ...callOf(turn.call) }] })] : []),
      delta({}, finishReason(turn)),
      chunk([], { usage: USAGE }),
      { text: 'data: [DONE]\n\n', piece: false },
    ];
  },
};
