import { describe, expect, test } from 'vitest';
import { openLogin } from '../../../src/http/login.js';

const MINUTE = 60_000;

function login() {
  let at = 1_000_000;
  let token = 'first';
  const links = new Set(['a', 'b']);
  const opened = openLogin({ token: () => token, takeLink: (code) => links.delete(code) }, () => at);
  return {
    ...opened,
    pass: (ms: number) => {
      at += ms;
    },
    rotate: () => {
      token = 'second';
    },
  };
}

describe('a link', () => {
  test('lets one browser in, once', () => {
    const { enter, check } = login();
    const value = enter('a') ?? '';
    expect(check(value)).toEqual({ known: true });
    expect(enter('a')).toBeUndefined();
    expect(enter('c')).toBeUndefined();
    expect(check(enter('b') ?? '').known).toBe(true);
  });
});

describe('a session', () => {
  test('gets another value after ten minutes, and the one before counts for a minute more', () => {
    const { enter, check, pass } = login();
    const first = enter('a') ?? '';
    pass(11 * MINUTE);
    const { renewed = '' } = check(first);
    expect(renewed).not.toBe('');
    expect(check(first)).toEqual({ known: true });
    expect(check(renewed)).toEqual({ known: true });
  });

  test('ends for both when a value that was replaced is used later: somebody else has it', () => {
    const { enter, check, pass } = login();
    const first = enter('a') ?? '';
    pass(11 * MINUTE);
    const { renewed = '' } = check(first);
    pass(2 * MINUTE);
    expect(check(first).known).toBe(false);
    expect(check(renewed).known).toBe(false);
  });

  test('ends when nobody uses it for a day, and with the token that it came from', () => {
    const unused = login();
    const value = unused.enter('a') ?? '';
    unused.pass(25 * 60 * MINUTE);
    expect(unused.check(value).known).toBe(false);
    const rotated = login();
    const other = rotated.enter('a') ?? '';
    rotated.rotate();
    expect(rotated.check(other).known).toBe(false);
  });
});
