import { expect, test } from 'vitest';
import { gemini } from '../../../../src/shared/runners/gemini.js';

test.each([
  [41, 'auth'], // it is not set up
  [145, 'auth'], // HTTP 401
  [147, 'auth'], // HTTP 403
  [173, 'rate_limit'], // HTTP 429
  [244, undefined], // HTTP 500
  [42, undefined], // no such session
  [1, undefined],
])('the exit code %s of gemini is a failure of kind %s', (exitCode, kind) => {
  expect(gemini.failureKind?.(exitCode, '')).toBe(kind);
});

test('the clean-up that deletes resumed sessions is off in every run', () => {
  const files = gemini.files?.({
    runId: 'run-1',
    prompt: 'p',
    resume: true,
    sessionId: 's1',
    path: '/work',
    home: '/home/user',
    permissions: 'auto',
    filesDirectory: '/spool/files',
  });
  const settings = files?.find(({ name }) => name === 'settings.json');
  expect(JSON.parse(settings?.content ?? '')).toMatchObject({ general: { sessionRetention: { enabled: false } } });
});
