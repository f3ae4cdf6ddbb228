import { expect, test } from 'vitest';
import { hostQueue, route, runnerQueue } from '../../../../src/shared/queues/route.js';
import { RUNNERS } from '../../../../src/shared/runners/list.js';

test.each([
  [{ runner: 'claude' }, 'runs.claude'],
  [{ runner: 'claude', host: undefined, sessionHost: undefined }, 'runs.claude'],
  [{ runner: 'claude', host: 'a' }, 'runs@a'],
  [{ runner: 'claude', sessionHost: 'b' }, 'runs@b'],
  [{ runner: 'claude', host: 'a', sessionHost: 'b' }, 'runs@b'],
  [{ runner: 'own', host: 'build-7.example.org' }, 'runs@build-7.example.org'],
])('a run with %j waits in %s', (placement, queue) => {
  expect(route(placement)).toBe(queue);
});

test('no queue of a runner is that of a host', () => {
  expect(runnerQueue('x')).not.toBe(hostQueue('x'));
  expect(runnerQueue('@x')).not.toBe(hostQueue('x'));
});

test('no queue of a built-in runner has a colon, which BullMQ would refuse', () => {
  for (const { name } of RUNNERS) expect(runnerQueue(name)).not.toContain(':');
});
