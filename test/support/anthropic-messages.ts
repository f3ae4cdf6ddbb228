import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Asked, Protocol, Said, Turn } from './model-endpoint.js';
import { sent } from './server-sent.js';

const text = z.object({ type: z.literal('text'), text: z.string() });
const toolResult = z.object({ type: z.literal('tool_result'), content: z.unknown() });
const block = z.union([text, toolResult, z.object({ type: z.string() })]);
const blocks = z.union([z.string().transform((words) => [{ type: 'text' as const, text: words }]), z.array(block)]);
const request = z.object({
  model: z.string(),
  stream: z.boolean().default(false),
  system: blocks.default([]),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant', 'system']), content: blocks })),
  tools: z.array(z.object({ name: z.string() })).default([]),
});
type Block = z.infer<typeof block>;

const textOf = (content: readonly Block[]) => content.flatMap((part) => ('text' in part ? [part.text] : [])).join('\n');

function saidOf({ role, content }: z.infer<typeof request>['messages'][number]): Said {
  const toolResults = content.flatMap((part) => {
    if (!('content' in part)) return [];
    const parsed = blocks.safeParse(part.content);
    return [parsed.success ? textOf(parsed.data) : JSON.stringify(part.content)];
  });
  return { role, text: textOf(content), toolResults };
}

const newId = (prefix: string) => `${prefix}_${randomBytes(11).toString('hex')}`;
const stopReason = ({ call }: Turn) => (call ? 'tool_use' : 'end_turn');
const ERROR_TYPES = { 400: 'invalid_request_error', 401: 'authentication_error', 429: 'rate_limit_error' } as const;
/** Constant figures: tests can tell them apart. */
const INPUT_TOKENS = 100;
const OUTPUT_TOKENS = 10;

const message = ({ model }: Asked, content: readonly unknown[], stop: string | null, outputTokens: number) => ({
  id: newId('msg'),
  type: 'message',
  role: 'assistant',
  model,
  content,
  stop_reason: stop,
  stop_sequence: null,
  usage: { input_tokens: INPUT_TOKENS, output_tokens: outputTokens },
});

const event = (name: string, body: object, piece = false) => sent({ type: name, ...body }, { name, piece });

/** A content block: its beginning, its pieces, its end. */
const streamed = (index: number, beginning: object, deltas: readonly object[]) => [
  event('content_block_start', { index, content_block: beginning }),
  ...deltas.map((delta, at) => event('content_block_delta', { index, delta }, at > 0)),
  event('content_block_stop', { index }),
];

/** Anthropic's Messages API, as far as agent programs use it. */
export const anthropicMessages: Protocol = {
  keyOf: (headers) => {
    const named = headers['x-api-key'] ?? headers.authorization?.replace(/^Bearer /, '');
    return Array.isArray(named) ? named[0] : named;
  },
  read: (path, body) => {
    if (path !== '/v1/messages') return undefined;
    const { model, stream, system, messages, tools } = request.parse(body);
    return {
      model,
      streaming: stream,
      system: textOf(system),
      messages: messages.map(saidOf),
      tools: tools.map(({ name }) => name),
    };
  },
  aside: (path) => (path.endsWith('/count_tokens') ? { input_tokens: INPUT_TOKENS } : {}),
  refusal: (status, words) => ({
    type: 'error',
    error: { type: ERROR_TYPES[status as keyof typeof ERROR_TYPES] ?? 'api_error', message: words },
  }),
  whole: (asked, turn) => {
    const { say = [], call } = turn;
    const content = [
      ...(say.length > 0 ? [{ type: 'text', text: say.join('') }] : []),
      ...(call ? [{ type: 'tool_use', id: newId('toolu'), name: call.tool, input: call.input }] : []),
    ];
    return message(asked, content, stopReason(turn), OUTPUT_TOKENS);
  },
  events: (asked, turn) => {
    const { say = [], call } = turn;
    const texts = say.map((piece) => ({ type: 'text_delta', text: piece }));
    const spoken = say.length > 0 ? [streamed(0, { type: 'text', text: '' }, texts)] : [];
    const asks = call
      ? [
          streamed(spoken.length, { type: 'tool_use', id: newId('toolu'), name: call.tool, input: {} }, [
            { type: 'input_json_delta', partial_json: JSON.stringify(call.input) },
          ]),
        ]
      : [];
    return [
      event('message_start', { message: message(asked, [], null, 1) }),
      ...[...spoken, ...asks].flat(),
      event('message_delta', {
        delta: { stop_reason: stopReason(turn), stop_sequence: null },
        usage: { output_tokens: OUTPUT_TOKENS },
      }),
      event('message_stop', {}),
    ];
  },
};
