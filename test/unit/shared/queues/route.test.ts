import { expect, test } from 'vitest';
import { hostQueue, partsOf, route, runnerQueue, serves } from '../../../../src/shared/queues/route.js';
import { RUNNERS } from '../../../../src/shared/runners/list.js';

test.each([
  [{ runner: 'claude' }, 'runs.claude'],
  [{ runner: 'claude', host: undefined, sessionHost: undefined }, 'runs.claude'],
  [{ runner: 'claude', host: 'a' }, 'runs@a'],
  [{ runner: 'claude', sessionHost: 'b' }, 'runs@b'],
  [{ runner: 'claude', host: 'a', sessionHost: 'b' }, 'runs@b'],
  [{ runner: 'own', host: 'build-7.example.org' }, 'runs@build-7.example.org'],
  [{ runner: 'claude', requires: [] }, 'runs.claude'],
  [{ runner: 'claude', requires: ['repo=web', 'gpu', 'gpu'] }, 'runs.claude+gpu,repo=web'],
  [{ runner: 'claude', requires: ['gpu', 'gpu=a100'] }, 'runs.claude+gpu=a100'],
  [{ runner: 'claude', host: 'a', requires: ['gpu'] }, 'runs@a+gpu'],
  [{ runner: 'claude', host: 'a', sessionHost: 'b', requires: ['gpu'] }, 'runs@b+gpu'],
])('a run with %j waits in %s', (placement, queue) => {
  expect(route(placement)).toBe(queue);
});

test.each([
  ['runs.claude', { runner: 'claude', requires: [], base: 'runs.claude' }],
  ['runs.claude+gpu,repo=web', { runner: 'claude', requires: ['gpu', 'repo=web'], base: 'runs.claude' }],
  ['runs@build-7.example.org', { host: 'build-7.example.org', requires: [], base: 'runs@build-7.example.org' }],
  ['runs@a+os=linux', { host: 'a', requires: ['os=linux'], base: 'runs@a' }],
  ['of-somebody-else', { requires: [], base: 'of-somebody-else' }],
])('the name %s says what is in it', (queue, parts) => {
  expect(partsOf(queue)).toEqual(parts);
});

const taker = { host: 'a', runners: ['claude', 'demo'], labels: ['os=linux', 'gpu=a100', 'repo=web', 'repo=api'] };
test.each([
  ['runs.claude', true],
  ['runs.gemini', false],
  ['runs@a', true],
  ['runs@b', false],
  ['runs.claude+gpu', true],
  ['runs.claude+gpu=a100', true],
  ['runs.claude+gpu=h100', false],
  ['runs.claude+repo=api,repo=web', true],
  ['runs.claude+gpu,repo=shop', false],
  ['runs.gemini+gpu', false],
  ['runs@a+os=linux', true],
  ['runs@a+os=darwin', false],
  ['of-somebody-else', false],
])('of %s a worker with labels takes something: %s', (queue, isServed) => {
  expect(serves(taker, queue)).toBe(isServed);
});

test('an older worker, which tells no labels, takes nothing that requires something', () => {
  const older = { host: 'a', runners: ['claude'] };
  expect([serves(older, 'runs.claude'), serves(older, 'runs.claude+os=linux')]).toEqual([true, false]);
});

test('no queue of a runner is that of a host', () => {
  expect(runnerQueue('x')).not.toBe(hostQueue('x'));
  expect(runnerQueue('@x')).not.toBe(hostQueue('x'));
});

test('no queue of a built-in runner has a colon, which BullMQ would refuse', () => {
  for (const { name } of RUNNERS) expect(runnerQueue(name)).not.toContain(':');
});
