import { describe, expect, test } from 'vitest';
import { claude } from '../../../../src/shared/runners/claude.js';
import type { ProgramInput } from '../../../../src/shared/runners/runner.js';

const read = (message: object) => (claude.output.format === 'text' ? undefined : claude.output.read(message));
const retry = (fields: object) => read({ type: 'system', subtype: 'api_retry', ...fields });

describe('a refusal that claude tries again', () => {
  test.each([
    [1, 401, false],
    [2, 401, true],
    [10, 403, true],
    [2, 429, false],
    [10, 529, false],
    [10, undefined, false],
    [10, null, false],
    [undefined, 401, false],
  ])('as attempt %s with status %s is hopeless: %s', (attempt, status, hopeless) => {
    const findings = retry({ attempt, error_status: status, error: 'authentication_failed' });
    const { limit: _, ...told } = findings ?? {};
    expect(told).toEqual(
      hopeless ? { hopeless: true, errorKind: 'auth', error: `authentication_failed (HTTP ${status})` } : {},
    );
  });

  test('says what it is even where claude does not', () => {
    expect(retry({ attempt: 2, error_status: 401 })?.error).toBe('the credentials were refused (HTTP 401)');
  });
});

describe('a provider that does not answer for now', () => {
  test('is told with the try and when the next one is', () => {
    expect(
      retry({ attempt: 3, max_retries: 10, retry_delay_ms: 4_200, error_status: 529, error: 'overloaded' }),
    ).toEqual({ limit: { message: 'overloaded (HTTP 529)', attempt: 3, of: 10, retryAfterMs: 4_200 } });
  });

  test.each([
    ['rejected', { limit: { message: 'the limit is reached: five_hour', resetsAt: 1_800_000_000_000 } }],
    ['allowed', undefined],
    ['allowed_warning', undefined],
  ])('by a quota that is %s', (status, told) => {
    const rate_limit_info = { status, resetsAt: 1_800_000_000, rateLimitType: 'five_hour' };
    expect(read({ type: 'rate_limit_event', rate_limit_info })).toEqual(told);
  });
});

describe('the result of claude', () => {
  const result = (fields: object) => read({ type: 'result', ...fields });

  test.each([
    [{ is_error: true, result: 'Not logged in' }, { error: 'Not logged in' }],
    [{ is_error: true, result: '', errors: ['one', 'two'] }, { error: 'one\ntwo' }],
    [{ is_error: true, subtype: 'error_max_turns' }, { error: 'error_max_turns' }],
    [{ is_error: true }, { error: 'claude reported an error' }],
    [
      { is_error: true, result: 'r', api_error_status: 403 },
      { error: 'r', errorKind: 'auth' },
    ],
    [
      { is_error: true, result: 'r', api_error_status: 429 },
      { error: 'r', errorKind: 'rate_limit' },
    ],
    [{ is_error: true, result: 'r', api_error_status: 500 }, { error: 'r' }],
    [{ is_error: false, result: 'fine', subtype: 'success' }, { result: 'fine' }],
    [{ is_error: false, result: { a: 1 } }, {}],
    [{ is_error: false, errors: [{ message: 'later claude may do so' }], result: 'fine' }, { result: 'fine' }],
  ])('%j means %j', (fields, findings) => {
    expect(result(fields)).toEqual({ ended: true, usage: {}, ...findings });
  });

  test('that does not clearly say whether it is an error is not taken for one', () => {
    expect(result({ is_error: 'yes', result: 'r' })).toBeUndefined();
  });

  test('counts what this run cost, not what its whole session did', () => {
    const models = { a: { costUSD: 0.5, inputTokens: 1 }, b: { costUSD: 0.25 } };
    expect(result({ total_cost_usd: 9, model_usage_since_last_result: models })?.usage).toEqual({ costUsd: 0.75 });
    expect(result({ total_cost_usd: 9 })?.usage).toEqual({});
    expect(result({ model_usage_since_last_result: { a: {} }, usage: { input_tokens: 3 } })?.usage).toEqual({
      inputTokens: 3,
    });
  });
});

describe('the command line of claude', () => {
  const request = (asked: Partial<ProgramInput>): ProgramInput => ({
    prompt: 'p',
    resume: false,
    path: '/work',
    permissions: 'auto',
    filesDirectory: '/spool/files',
    runId: 'run-1',
    home: '/home/user',
    ...asked,
  });

  test('lets the tools be used unasked only where the worker says so', () => {
    const flag = '--dangerously-skip-permissions';
    expect(claude.args(request({ permissions: 'auto' }))).toContain(flag);
    expect(claude.env?.(request({ permissions: 'auto' }))).toHaveProperty('IS_SANDBOX', '1');
    expect(claude.args(request({ permissions: 'safe' }))).not.toContain(flag);
    expect(claude.env?.(request({ permissions: 'safe' }))).not.toHaveProperty('IS_SANDBOX');
  });

  test('names the model only when one is asked for', () => {
    expect(claude.args(request({ model: 'opus' })).slice(-2)).toEqual(['--model', 'opus']);
    expect(claude.args(request({}))).not.toContain('--model');
  });
});
