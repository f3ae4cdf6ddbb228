import { expect, test } from 'vitest';
import { qwencli } from '../../../../src/shared/runners/qwencli.js';

const failed = (message: string) =>
  qwencli.output.format === 'json-lines' && qwencli.output.read({ type: 'result', is_error: true, error: { message } });

test.each([
  ['No auth type is selected. Please configure an auth type (e.g. via settings or `--auth-type`)', 'auth'],
  [
    "Missing API key for OpenAI-compatible auth. Set settings.security.auth.apiKey, or set the 'OPENAI_API_KEY'",
    'auth',
  ],
  ['[API Error: 401 invalid key]', 'auth'],
  ['[API Error: 429 slow down]', 'rate_limit'],
  ['[API Error: 500 401 would be worse]', undefined],
  ['the tool said: Missing API key', undefined],
])('what qwen says in "%s" is a failure of kind %s', (message, errorKind) => {
  expect(failed(message)).toEqual({ ended: true, usage: {}, error: message, ...(errorKind && { errorKind }) });
});
