import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ModelEndpoint, startModelEndpoint } from './model-endpoint.js';

let model: ModelEndpoint;
beforeAll(async () => {
  model = await startModelEndpoint('anthropic', 'right');
});
afterAll(() => model.stop());

const ask = (path: string, body: object, headers: Record<string, string> = { 'x-api-key': 'right' }) =>
  fetch(`${model.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
const question = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

test('a question that wants no stream gets the whole answer at once', async () => {
  const asked = model.play(() => ({ say: ['one ', 'two'], call: { tool: 'Bash', input: { command: 'true' } } }));
  const answer = await ask('/v1/messages', question, { authorization: 'Bearer right' });
  expect(await answer.json()).toMatchObject({
    role: 'assistant',
    model: 'm',
    content: [
      { type: 'text', text: 'one two' },
      { type: 'tool_use', name: 'Bash', input: { command: 'true' } },
    ],
    stop_reason: 'tool_use',
  });
  expect(asked).toMatchObject([{ model: 'm', streaming: false, messages: [{ role: 'user', text: 'hello' }] }]);
});

test('a question that wants a stream gets one event for each piece, from beginning to end', async () => {
  model.play(() => ({ say: ['one ', 'two'] }));
  const events = await (await ask('/v1/messages?beta=true', { ...question, stream: true })).text();
  expect([...events.matchAll(/^event: (.+)$/gm)].map(([, name]) => name)).toEqual([
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ]);
});

test('looking around and counting tokens are answered without asking the model', async () => {
  const asked = model.play(() => ({}));
  expect((await fetch(model.url, { method: 'HEAD' })).status).toBe(200);
  expect(await (await ask('/v1/messages/count_tokens', question)).json()).toEqual({ input_tokens: 100 });
  expect(asked).toEqual([]);
});

test('a wrong key, a question that nobody understands and a script that fails are refused with the reason', async () => {
  const asked = model.play(() => {
    throw new Error('the script is wrong');
  });
  const refusal = async (answer: Response) => [
    answer.status,
    ((await answer.json()) as { error: { message: string } }).error.message,
  ];
  expect(await refusal(await ask('/v1/messages', question, { 'x-api-key': 'wrong' }))).toEqual([
    401,
    'the scripted model does not know this key',
  ]);
  expect(await refusal(await ask('/v1/messages', { model: 'm' }))).toEqual([400, expect.stringContaining('messages')]);
  expect(asked).toEqual([]);
  expect(await refusal(await ask('/v1/messages', question))).toEqual([400, 'the script is wrong']);
});
