import { z } from 'zod';
import type { Protocol, Said, Turn } from './model-endpoint.js';
import { sent } from './server-sent.js';

const part = z.object({
  text: z.string().optional(),
  functionResponse: z.object({ name: z.string(), response: z.unknown() }).optional(),
});
const content = z.object({ role: z.enum(['user', 'model']).default('user'), parts: z.array(part).default([]) });
const request = z.object({
  contents: z.array(content),
  systemInstruction: z.union([z.string().transform((text) => ({ parts: [{ text }] })), content]).optional(),
  tools: z.array(z.object({ functionDeclarations: z.array(z.object({ name: z.string() })).default([]) })).default([]),
});
type Part = z.infer<typeof part>;

const textOf = (parts: readonly Part[]) => parts.flatMap(({ text }) => text ?? []).join('\n');

/** A tool answers with an object; its words are in `output` or `error` of it. */
function answerOf(response: unknown): string {
  const { output, error } = (response ?? {}) as { output?: unknown; error?: unknown };
  const words = output ?? error ?? response;
  return typeof words === 'string' ? words : JSON.stringify(words);
}

const saidOf = ({ role, parts }: z.infer<typeof content>): Said => ({
  role: role === 'model' ? 'assistant' : 'user',
  text: textOf(parts),
  toolResults: parts.flatMap(({ functionResponse }) => (functionResponse ? [answerOf(functionResponse.response)] : [])),
});

/** Constant figures: tests can tell them apart. */
const USAGE = { promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 };
const STATUSES = { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 429: 'RESOURCE_EXHAUSTED' } as const;

const callOf = ({ tool, input }: NonNullable<Turn['call']>) => ({ functionCall: { name: tool, args: input } });
const answer = (parts: readonly object[], last: boolean) => ({
  candidates: [{ index: 0, content: { role: 'model', parts }, ...(last && { finishReason: 'STOP' }) }],
  ...(last && { usageMetadata: USAGE }),
});

const ASKS = /\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;

/** Gemini's generateContent and its stream, as far as agent programs use them. */
export const geminiContent: Protocol = {
  keyOf: (headers) => [headers['x-goog-api-key']].flat()[0],
  read: (path, body) => {
    const [, model, method] = ASKS.exec(path) ?? [];
    if (model === undefined) return undefined;
    const { contents, systemInstruction, tools } = request.parse(body);
    return {
      model,
      streaming: method === 'streamGenerateContent',
      system: textOf(systemInstruction?.parts ?? []),
      messages: contents.map(saidOf),
      tools: tools.flatMap(({ functionDeclarations }) => functionDeclarations.map(({ name }) => name)),
    };
  },
  aside: (path) => (path.endsWith(':countTokens') ? { totalTokens: USAGE.promptTokenCount } : {}),
  refusal: (status, words) => ({
    error: { code: status, message: words, status: STATUSES[status as keyof typeof STATUSES] ?? 'INTERNAL' },
  }),
  whole: (_asked, { say = [], call }) =>
    answer([...(say.length > 0 ? [{ text: say.join('') }] : []), ...(call ? [callOf(call)] : [])], true),
  events: (_asked, { say = [], call }) => [
    ...say.map((text, at) => sent(answer([{ text }], false), { piece: at > 0 })),
    sent(answer(call ? [callOf(call)] : [{ text: '' }], true)),
  ],
};
