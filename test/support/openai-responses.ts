import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Asked, Protocol, Said, Turn } from './model-endpoint.js';
import { bearerOf, openAiRefusal } from './openai-manners.js';
import { sent } from './server-sent.js';

const parts = z.union([z.string(), z.array(z.object({ type: z.string(), text: z.string().optional() }))]);
const message = z.object({ role: z.enum(['user', 'assistant', 'system', 'developer']), content: parts });
const toolOutput = z.object({ type: z.enum(['function_call_output', 'custom_tool_call_output']), output: parts });
const item = z.union([toolOutput, message, z.object({ type: z.string() })]);
/** Some tools have no name, such as the provider's own search; a namespace is a bundle of tools. */
const tool = z.object({ type: z.string(), name: z.string().optional() });
const request = z.object({
  model: z.string(),
  stream: z.boolean().default(false),
  instructions: z.string().nullish(),
  input: z.union([z.string(), z.array(item)]),
  tools: z.array(tool.extend({ tools: z.array(tool).default([]) })).default([]),
});
type Tool = z.infer<typeof request>['tools'][number];

const textOf = (given: z.infer<typeof parts>) =>
  typeof given === 'string' ? given : given.flatMap(({ text }) => text ?? []).join('\n');

function saidOf(given: z.infer<typeof item>): readonly Said[] {
  if ('output' in given) return [{ role: 'user', text: '', toolResults: [textOf(given.output)] }];
  if (!('role' in given)) return []; // reasoning, and the calls of tools
  const role = given.role === 'developer' ? 'system' : given.role;
  return [{ role, text: textOf(given.content), toolResults: [] }];
}

/** A tool of a namespace is known by both names, with a dot between. */
const namesOf = ({ type, name, tools }: Tool): readonly string[] =>
  type === 'namespace' ? tools.map((inner) => `${name}.${inner.name}`) : [name ?? type];

/** Constant figures: tests can tell them apart. */
const USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 10,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 110,
};

const newId = (prefix: string) => `${prefix}_${randomBytes(11).toString('hex')}`;

const messageOf = (words: string) => ({
  id: newId('msg'),
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: words, annotations: [] }],
});

function callOf({ tool: full, input }: NonNullable<Turn['call']>) {
  const dot = full.indexOf('.');
  return {
    id: newId('fc'),
    type: 'function_call',
    status: 'completed',
    call_id: newId('call'),
    ...(dot >= 0 && { namespace: full.slice(0, dot) }),
    name: full.slice(dot + 1),
    arguments: JSON.stringify(input),
  };
}

const responseOf = ({ model }: Asked, id: string, status: string, output: readonly object[]) => ({
  id,
  object: 'response',
  created_at: 1_790_000_000,
  status,
  model,
  output,
  error: null,
  ...(status === 'completed' && { usage: USAGE }),
});

const outputOf = ({ say = [], call }: Turn) => [
  ...(say.length > 0 ? [messageOf(say.join(''))] : []),
  ...(call ? [callOf(call)] : []),
];

/** OpenAI's Responses, as far as agent programs use them. */
export const openAiResponses: Protocol = {
  keyOf: bearerOf,
  read: (path, body) => {
    if (!path.endsWith('/responses')) return undefined;
    const { model, stream, instructions, input, tools } = request.parse(body);
    const said =
      typeof input === 'string' ? [{ role: 'user' as const, text: input, toolResults: [] }] : input.flatMap(saidOf);
    const system = said.flatMap(({ role, text }) => (role === 'system' ? [text] : []));
    return {
      model,
      streaming: stream,
      system: [instructions ?? '', ...system].join('\n'),
      messages: said,
      tools: tools.flatMap(namesOf),
    };
  },
  aside: () => ({ object: 'list', data: [] }),
  refusal: openAiRefusal,
  whole: (asked, turn) => responseOf(asked, newId('resp'), 'completed', outputOf(turn)),
  events: (asked, turn) => {
    const id = newId('resp');
    let number = 0;
    const event = (name: string, body: object, piece = false) =>
      sent({ type: name, sequence_number: number++, ...body }, { name, piece });
    const output = outputOf(turn);
    return [
      event('response.created', { response: responseOf(asked, id, 'in_progress', []) }),
      ...output.flatMap((one, index) => {
        const spoken = one.type === 'message' ? (turn.say ?? []) : [];
        const deltas = spoken.map((delta, at) =>
          event(
            'response.output_text.delta',
            { item_id: one.id, output_index: index, content_index: 0, delta },
            at > 0,
          ),
        );
        const begun = one.type === 'message' ? { ...one, status: 'in_progress', content: [] } : one;
        return [
          event('response.output_item.added', { output_index: index, item: begun }),
          ...deltas,
          event('response.output_item.done', { output_index: index, item: one }),
        ];
      }),
      event('response.completed', { response: responseOf(asked, id, 'completed', output) }),
    ];
  },
};
