import { describe, expect, test } from 'vitest';
import { type ProtocolName, startModelEndpoint } from './model-endpoint.js';

interface Dialect {
  readonly name: ProtocolName;
  readonly path: string;
  readonly streamPath?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A conversation of model `m`: a system prompt, what the user said, what a tool answered. */
  readonly body: object;
  /** The text and the tool that the whole answer holds. */
  readonly whole: object;
  /** Where a streamed event has its piece of text. */
  readonly piece: RegExp;
}

const bearer = { authorization: 'Bearer right' };
const DIALECTS: readonly Dialect[] = [
  {
    name: 'openai-chat',
    path: '/v1/chat/completions',
    headers: bearer,
    body: {
      model: 'm',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: [{ type: 'text', text: 'hello' }] },
        { role: 'assistant', content: null, tool_calls: [] },
        { role: 'tool', tool_call_id: 'c', content: 'tool said' },
      ],
      tools: [{ type: 'function', function: { name: 'sh' } }],
    },
    whole: {
      choices: [
        {
          message: {
            content: 'one two',
            tool_calls: [{ type: 'function', function: { name: 'sh', arguments: '{"command":"true"}' } }],
          },
          finish_reason: 'tool_calls',
        },
      ],
    },
    piece: /"content":"([^"]+)"/g,
  },
  {
    name: 'openai-responses',
    path: '/v1/responses',
    headers: bearer,
    body: {
      model: 'm',
      instructions: 'be brief',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
        { type: 'function_call', call_id: 'c', name: 'sh', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'tool said' },
      ],
      tools: [{ type: 'function', name: 'sh' }],
    },
    whole: {
      status: 'completed',
      output: [
        { type: 'message', content: [{ text: 'one two' }] },
        { type: 'function_call', name: 'sh', arguments: '{"command":"true"}' },
      ],
    },
    piece: /"delta":"([^"]+)"/g,
  },
  {
    name: 'gemini',
    path: '/v1beta/models/m:generateContent',
    streamPath: '/v1beta/models/m:streamGenerateContent?alt=sse',
    headers: { 'x-goog-api-key': 'right' },
    body: {
      systemInstruction: { parts: [{ text: 'be brief' }] },
      contents: [
        { role: 'user', parts: [{ text: 'hello' }] },
        { role: 'model', parts: [{ functionCall: { name: 'sh', args: {} } }] },
        { role: 'user', parts: [{ functionResponse: { name: 'sh', response: { output: 'tool said' } } }] },
      ],
      tools: [{ functionDeclarations: [{ name: 'sh' }] }],
    },
    whole: {
      candidates: [
        {
          content: { parts: [{ text: 'one two' }, { functionCall: { name: 'sh', args: { command: 'true' } } }] },
          finishReason: 'STOP',
        },
      ],
    },
    piece: /"text":"([^"]+)"/g,
  },
];

describe.each(DIALECTS)(
  'the scripted model, spoken to as $name',
  ({ name, path, streamPath, headers, body, whole, piece }) => {
    const ask = (url: string, more: object = {}, given = headers) =>
      fetch(url, { method: 'POST', headers: given, body: JSON.stringify({ ...body, ...more }) });

    test('understands a conversation, and answers with text and the call of a tool', async () => {
      const model = await startModelEndpoint(name, 'right');
      const asked = model.play(() => ({ say: ['one ', 'two'], call: { tool: 'sh', input: { command: 'true' } } }));
      expect(await (await ask(`${model.url}${path}`)).json()).toMatchObject(whole);
      expect(asked).toMatchObject([{ model: 'm', streaming: false, system: expect.stringContaining('be brief') }]);
      expect(asked[0]?.tools).toEqual(['sh']);
      expect(asked[0]?.messages.map((said) => said.text)).toContain('hello');
      expect(asked[0]?.messages.at(-1)).toMatchObject({ role: 'user', toolResults: ['tool said'] });
      await model.stop();
    });

    test('streams its text piece by piece', async () => {
      const model = await startModelEndpoint(name, 'right');
      model.play(() => ({ say: ['one ', 'two'], pauseMs: 1 }));
      const events = await (await ask(`${model.url}${streamPath ?? path}`, { stream: true })).text();
      expect([...events.matchAll(piece)].map(([, words]) => words)).toEqual(['one ', 'two']);
      await model.stop();
    });

    test.each([401, 429, 500])('refuses with %d and its words', async (status) => {
      const model = await startModelEndpoint(name, 'right');
      model.play(() => ({ refuse: { status, words: 'not today' } }));
      const answers = [
        await ask(`${model.url}${path}`),
        await ask(`${model.url}${path}`, {}, { authorization: 'Bearer x' }),
      ];
      expect(answers.map((answer) => answer.status)).toEqual([status, 401]);
      expect(await answers[0]?.json()).toMatchObject({ error: { message: 'not today' } });
      await model.stop();
    });
  },
);
