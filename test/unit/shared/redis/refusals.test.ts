import { describe, expect, test } from 'vitest';
import { ConfigError, RedisRefusedError } from '../../../../src/shared/errors.js';
import { isReadOnly, refusalOf } from '../../../../src/shared/redis/refusals.js';

describe('what Redis refuses', () => {
  test.each([
    "OOM command not allowed when used memory > 'maxmemory'.",
    "OOM command not allowed when used memory > 'maxmemory'. script: 3f1a, on @user_script:1.",
    "ERR Error running script (call to f_3f1a): @user_script:7: @user_script: 7: -OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'NOREPLICAS Not enough good replicas to write.',
    "READONLY You can't write against a read only replica.",
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'CLUSTERDOWN The cluster is down',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'ERR max number of clients reached',
    'Too many Cluster redirections. Last error: ReplyError: MOVED 1 127.0.0.1:1',
  ])('"%s" is told, with whose turn it is', (message) => {
    const refusal = refusalOf(new Error(message));
    expect(refusal).toBeInstanceOf(RedisRefusedError);
    expect(refusal).toMatchObject({ code: 'redis_refused', message: expect.stringContaining(message) });
    expect(refusal?.hint).toMatch(/[Aa]sk again|[Ii]ts operator/);
  });

  test.each([
    'WRONGPASS invalid username-password pair or user is disabled.',
    'NOAUTH Authentication required.',
    "NOPERM User weak has no permissions to run the 'smembers' command",
  ])('"%s" is configuration', (message) => {
    expect(refusalOf(new Error(message))).toBeInstanceOf(ConfigError);
  });

  test.each([
    'ERR syntax error',
    'WRONGTYPE Operation against a key',
    'the BUSYBEE runner failed',
    'NOSCRIPT No matching script',
  ])('"%s" is none of these', (message) => {
    expect(refusalOf(new Error(message))).toBeUndefined();
  });

  test('a connection to what has become a replica is made anew, and no other one', () => {
    expect(isReadOnly(new Error("READONLY You can't write against a read only replica."))).toBe(true);
    expect(isReadOnly(new Error('OOM command not allowed'))).toBe(false);
  });
});
