import { describe, expect, test } from 'vitest';
import { runAgent } from '../../../../src/mcp/tools/run-agent.js';
import { newRunId } from '../../../../src/mcp/tools/submit.js';
import { AGENT_NAME } from '../../../../src/shared/run.js';

describe('a new run id', () => {
  const ids = Array.from({ length: 2_000 }, newRunId);

  test('is a letter and 19 letters and digits that nobody mistakes for each other', () => {
    for (const id of ids) expect(id).toMatch(/^r[0-9a-hjkmnp-tv-z]{19}$/);
  });

  test('is never a number, which BullMQ would refuse, and never holds a colon', () => {
    expect(ids.filter((id) => !Number.isNaN(Number(id)) || id.includes(':'))).toEqual([]);
  });

  test('comes once', () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('uses every sign in every place', () => {
    for (let place = 1; place < 20; place += 1) expect(new Set(ids.map((id) => id[place])).size).toBe(32);
  });
});

describe('the arguments of run_agent', () => {
  const takes = (asked: object) => runAgent.input.safeParse({ runner: 'demo', prompt: 'p', ...asked }).success;

  test.each(['--dangerously-skip-permissions', '-p', '-', '--', '', 'a\0b', 'a\nb', 'x'.repeat(257)])(
    'take no session and no model called %j, which could become an option',
    (text) => {
      expect(takes({ sessionId: text })).toBe(false);
      expect(takes({ model: text })).toBe(false);
    },
  );

  test.each(['b7c1d2e3-0000-4000-8000-00000000cafe', 'ses_1', 'a', 'openai/gpt-x:free', 'a b', 'größe'])(
    'take a session and a model called %j',
    (text) => {
      expect(takes({ sessionId: text, model: text })).toBe(true);
    },
  );

  test.each(['greeter', 'A-b_9', 'x'.repeat(64)])('take the agent name %s', (agentName) => {
    expect(AGENT_NAME.test(agentName)).toBe(true);
    expect(takes({ agentName })).toBe(true);
  });

  test.each(['', 'a b', 'a:b', 'a/b', '..', 'é', 'a\n', 'x'.repeat(65)])('take no agent name %j', (agentName) => {
    expect(takes({ agentName })).toBe(false);
  });

  test.each([
    [{ prompt: '' }, false],
    [{ prompt: undefined }, false],
    [{ timeoutMs: 99 }, false],
    [{ timeoutMs: 100 }, true],
    [{ timeoutMs: 1.5e3 }, true],
    [{ timeoutMs: 100.5 }, false],
    [{ timeoutMs: '100' }, false],
    [{ silenceTimeoutMs: 0 }, true],
    [{ silenceTimeoutMs: -1 }, false],
    [{ priority: 2_097_153 }, false],
    [{ delayMs: -1 }, false],
    [{ host: 'a/b' }, false],
    [{ host: 'build-7.example' }, true],
    [{ clientToken: '' }, false],
    [{ env: { A: 'b' } }, false],
    [{ args: [] }, false],
  ])('with %j are taken: %s', (asked, taken) => {
    expect(takes(asked)).toBe(taken);
  });
});
