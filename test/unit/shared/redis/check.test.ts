import { expect, test } from 'vitest';
import { redisProblems } from '../../../../src/shared/redis/check.js';

const health = (version: string, evictionPolicy = 'noeviction') => ({
  version,
  evictionPolicy,
  appendOnly: false,
  usedMemoryBytes: 0,
});

test.each(['6.2', '6.2.0', '6.2.14', '6.10.1', '7.0.15', '8', '10.0.0', '255.255.255'])(
  'Redis %s is new enough',
  (version) => {
    expect(redisProblems(health(version))).toEqual([]);
  },
);

test.each(['6.1.9', '6.0', '6', '5.0.14', '2.8', ''])('Redis %s is too old', (version) => {
  expect(redisProblems(health(version))).toEqual([`Redis ${version} is too old: agentpool needs 6.2 or newer`]);
});

test.each(['allkeys-lru', 'volatile-ttl', 'allkeys-random'])('a Redis with the policy %s may lose runs', (policy) => {
  expect(redisProblems(health('7.2', policy))).toEqual([
    expect.stringMatching(new RegExp(`maxmemory-policy is ${policy}.*config set maxmemory-policy noeviction`)),
  ]);
});

test('a Redis that does not tell its policy is taken as it is', () => {
  expect(redisProblems(health('7.2', ''))).toEqual([]);
});

test('all problems of a Redis are told at once', () => {
  expect(redisProblems(health('5.0', 'allkeys-lru'))).toHaveLength(2);
});
