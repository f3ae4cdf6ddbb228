import { expect, test } from 'vitest';
import { demo } from '../../../../src/shared/runners/demo.js';

test.each([
  ['session: s1', { sessionId: 's1' }],
  ['result: done with "a: b"', { result: 'done with "a: b"' }],
  ['result: done with "a\u2028b\rc"', { result: 'done with "a\u2028b\rc"' }],
  ['error: it failed', { error: 'it failed' }],
  ['step 1 of 2: result: none', undefined],
  ['Session: s1', undefined],
  ['', undefined],
])('the line %j of the demo tells %j', (line, findings) => {
  expect(demo.output.format === 'text' && demo.output.read?.(line)).toEqual(findings);
});
