import { describe, expect, test } from 'vitest';
import { UnreachableError } from '../../../../src/shared/errors.js';
import { asUnreachable } from '../../../../src/shared/redis/unreachable.js';

const system = (code: string, syscall: string) => Object.assign(new Error(`${syscall} ${code}`), { code, syscall });

describe('an error of the connection', () => {
  test.each([
    new Error('Command timed out'),
    new Error('Connection is closed.'),
    new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    system('ECONNREFUSED', 'connect'),
    system('ECONNRESET', 'read'),
    system('EPIPE', 'write'),
    system('ENOENT', 'connect'),
    system('ETIMEDOUT', 'connect'),
  ])('such as "%s" says that Redis is unreachable, and why', (error) => {
    const unreachable = asUnreachable(error);
    expect(unreachable).toBeInstanceOf(UnreachableError);
    expect(unreachable?.cause).toBe(error);
    expect(unreachable?.hint).toMatch(/nothing is lost/);
  });

  test('that says so already stays as it is', () => {
    const error = new UnreachableError('Redis is unreachable', 'hint');
    expect(asUnreachable(error)).toBe(error);
  });
});

test.each([
  undefined,
  null,
  'Connection is closed.',
  new Error('WRONGTYPE Operation against a key holding the wrong kind of value'),
  new Error('the Connection is closed.'),
  system('ENOENT', 'open'),
  system('EACCES', 'connect'),
])('"%s" is an error of another kind', (error) => {
  expect(asUnreachable(error)).toBeUndefined();
});
