import { describe, expect, test } from 'vitest';
import { costOf } from '../../../src/http/cost.js';
import { type Holding, openFairUse } from '../../../src/http/fair-use.js';
import { openRateLimit } from '../../../src/http/rate-limit.js';

const call = (name: string, args: unknown) => ({ method: 'tools/call', params: { name, arguments: args } });

describe('the cost of a request', () => {
  test.each([
    ['nothing that we know', 'x', 0, 1],
    ['an empty batch', [], 0, 1],
    ['a small call', call('get_agent_status', { runId: 'r' }), 100, 1],
    ['a list', call('list_runs', {}), 100, 3],
    ['statistics', call('list_runs', { stats: true }), 100, 53],
    ['a batch of calls', Array(5).fill(call('list_runs', {})), 100, 15],
    ['many runs at once', call('run_agents_parallel', { agents: Array(50).fill({}) }), 100, 151],
    [
      'a stream about 100 runs',
      { method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: Array(100).fill('u') } } },
      100,
      201,
    ],
    ['a body of 4 MiB', call('run_agent', {}), 4 * 1024 * 1024, 515],
    ['a name that every object has', call('constructor', {}), 0, 1],
    ['a method that every object has', { method: 'toString' }, 0, 1],
  ])('of %s', (_, body, bytes, cost) => {
    expect(costOf(body, bytes)).toBe(cost);
  });

  test('that is more than anybody has at once takes all of it, and can be paid', () => {
    const limit = openRateLimit(1, () => 0);
    expect(limit.take('ann', 1_000)).toBe(0);
    expect(limit.take('ann', 1)).toBeGreaterThan(0);
    expect(limit.take('bob', 1)).toBe(0);
  });
});

describe('what a principal holds', () => {
  const limits = { maxOpenCalls: 2, maxListenStreams: 1, maxBodyBytes: 10 };
  const open = (use: ReturnType<typeof openFairUse>, name: string) => use.open(name) as Holding;

  test('is limited for itself, and given back once', async () => {
    const use = openFairUse(limits);
    const first = open(use, 'ann');
    open(use, 'ann');
    const refused = use.open('ann') as Response;
    expect([refused.status, await refused.json()]).toEqual([429, expect.objectContaining({ code: 'too_many_calls' })]);
    expect(use.open('bob')).not.toBeInstanceOf(Response);
    first.all();
    first.all();
    open(use, 'ann');
    expect(use.open('ann')).toBeInstanceOf(Response);
  });

  test('counts bytes and streams until the request has ended', () => {
    const use = openFairUse(limits);
    const first = open(use, 'ann');
    expect([first.mayHold(6), first.mayHold(6), first.mayListen()]).toEqual([true, false, true]);
    const second = open(use, 'ann');
    expect([second.mayHold(6), second.mayListen()]).toEqual([false, false]);
    expect(open(use, 'bob').mayHold(10)).toBe(true);
    first.all();
    expect([second.mayHold(6), second.mayListen()]).toEqual([true, true]);
  });

  test('is nothing for what comes after its end', () => {
    const use = openFairUse(limits);
    const first = open(use, 'ann');
    first.all();
    expect([first.mayHold(1), first.mayListen()]).toEqual([false, false]);
  });
});
