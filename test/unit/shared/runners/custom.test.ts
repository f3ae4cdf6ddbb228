import { describe, expect, test } from 'vitest';
import { customRunner as schema } from '../../../../src/shared/config/custom-runner.js';
import { customRunner } from '../../../../src/shared/runners/custom.js';
import type { ProgramInput } from '../../../../src/shared/runners/runner.js';

const own = (given: object) => customRunner('own', schema.parse({ command: 'own', ...given }));
const request = (prompt: string): ProgramInput => ({
  prompt,
  resume: false,
  path: '/work',
  permissions: 'auto',
  filesDirectory: '/spool/files',
  runId: 'run-1',
  home: '/home/user',
});

const { output } = own({
  output: { format: 'json-lines', sessionId: 'session.id', result: 'answer', error: 'error.message' },
});
const read = (message: unknown) => (output.format === 'text' ? undefined : output.read(message));

test('a custom runner that names what only the last message has knows the end of its work', () => {
  const { output } = own({ output: { format: 'json-lines', result: 'answer', ended: 'final' } });
  if (output.format === 'text') throw new Error('it is not text');
  expect(output.terminal).toBe(true);
  expect(output.read({ answer: 'a', final: true })).toEqual({ result: 'a', ended: true });
  expect(output.read({ answer: 'a', final: false })).toEqual({ result: 'a' });
});

describe('what a custom runner reads', () => {
  test.each([
    [{ session: { id: 's1' } }, { sessionId: 's1' }],
    [{ session: { id: 7 } }, { sessionId: '7' }],
    [{ answer: 'words' }, { result: 'words' }],
    [{ answer: '' }, { result: '' }],
    [{ answer: false }, { result: 'false' }],
    [{ answer: 0 }, { result: '0' }],
    [{ answer: { files: ['a'] } }, { result: '{"files":["a"]}' }],
    [{ error: { message: 'refused' } }, { error: 'refused' }],
    [{ error: { message: { code: 3 } } }, { error: '{"code":3}' }],
    [{ error: { message: '0' } }, { error: '0' }],
  ])('from %j is %j', (message, findings) => {
    expect(read(message)).toEqual(findings);
  });

  test.each(['', null, false, 0, [], {}])('from %j as a session or an error is that there is none', (none) => {
    expect(read({ session: { id: none }, error: { message: none } })).toEqual({});
  });

  test('is nothing that an object only inherits', () => {
    const inheriting = own({ output: { format: 'json', result: 'constructor', error: 'toString.name' } }).output;
    expect(inheriting.format === 'json' && inheriting.read({ a: 1 })).toEqual({});
  });
});

describe('the command line of a custom runner', () => {
  test('has the prompt as its last argument, with a space before one that looks like an option', () => {
    const { args, stdin } = own({ args: ['-q'], prompt: 'argument' });
    expect(args(request('say hello'))).toEqual(['-q', 'say hello']);
    expect(args(request('--yolo'))).toEqual(['-q', ' --yolo']);
    expect(stdin).toBeUndefined();
  });

  test('has every {sessionId} replaced by the id as it is', () => {
    const { resumeArgs } = own({ resumeArgs: ['--to={sessionId}', '{sessionId}{sessionId}', '{sessionid}'] });
    expect(resumeArgs?.("$& $1 $'")).toEqual(["--to=$& $1 $'", "$& $1 $'$& $1 $'", '{sessionid}']);
  });

  test('cannot resume unless it says how', () => {
    expect(own({}).resumeArgs).toBeUndefined();
  });
});
