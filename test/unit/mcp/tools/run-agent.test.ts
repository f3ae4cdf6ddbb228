import { describe, expect, test } from 'vitest';
import { runAgent } from '../../../../src/mcp/tools/run-agent.js';
import { AGENT_NAME } from '../../../../src/shared/run.js';

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
    [{ timeoutMs: 999 }, false],
    [{ timeoutMs: 1_000 }, true],
    [{ timeoutMs: 1.5e3 }, true],
    [{ timeoutMs: 1_000.5 }, false],
    [{ timeoutMs: '100' }, false],
    [{ silenceTimeoutMs: 0 }, true],
    [{ silenceTimeoutMs: 300 }, false],
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
