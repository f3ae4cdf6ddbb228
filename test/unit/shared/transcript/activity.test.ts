import { describe, expect, test } from 'vitest';
import { activityOf } from '../../../../src/shared/transcript/activity.js';
import type { AgentEvent } from '../../../../src/shared/transcript/event.js';
import { readable } from '../../../../src/shared/transcript/readable.js';
import { toolCall, toolResult } from '../../../../src/shared/transcript/tool.js';
import type { TranscriptEvent } from '../../../../src/shared/transcript/transcript.js';

const on = (stream: 'stdout' | 'stderr', ...events: readonly AgentEvent[]): TranscriptEvent[] =>
  events.map((event) => ({ ...event, stream, offset: 0, end: 1, at: 0 }));
const out = (...events: readonly AgentEvent[]) => on('stdout', ...events);
const raw = (text: string): AgentEvent => ({ type: 'raw', text });
const said = (text: string): AgentEvent => ({ type: 'text', text });
const piece = (text: string): AgentEvent => ({ type: 'text', text, delta: true });

describe('what a run has done', () => {
  test('are its last steps, a call and its result being one, and pieces of a text', () => {
    const events = [
      said('I look around.'),
      toolCall('Bash', { command: 'npm test\n' }, { toolCallId: '1' }),
      toolResult(false, '3 tests failed\nmore', { toolCallId: '1' }),
      piece('It '),
      piece('is '),
      piece('done.'),
    ];
    expect(activityOf(events)).toEqual({
      lastSteps: ['I look around.', 'Bash: npm test → failed: 3 tests failed', 'It is done.'],
      toolCalls: 1,
      filesChanged: [],
    });
  });

  test('are the last five of many', () => {
    const events = Array.from({ length: 20 }, (_, at) => said(`step ${at}`));
    expect(activityOf(events).lastSteps).toEqual(['step 15', 'step 16', 'step 17', 'step 18', 'step 19']);
    const lines = Array.from({ length: 20 }, (_, at) => piece(`line ${at}\n`));
    expect(activityOf(lines).lastSteps).toEqual(['line 15', 'line 16', 'line 17', 'line 18', 'line 19']);
  });

  test('are the files that it changed, added up, and those that it was only seen to edit', () => {
    const events: AgentEvent[] = [
      { type: 'file_change', path: '/w/a', operation: 'add', added: 10, removed: 0 },
      { type: 'file_change', path: '/w/a', operation: 'update', added: 2, removed: 1 },
      toolCall('write_file', { file_path: '/w/b' }, { toolCallId: '1' }),
      toolResult(true, 'ok', { toolCallId: '1' }),
      toolCall('write_file', { file_path: '/w/c' }, { toolCallId: '2' }),
      toolResult(false, 'denied', { toolCallId: '2' }),
      toolCall('read_file', { file_path: '/w/d' }, { toolCallId: '3' }),
      toolResult(true, 'ok', { toolCallId: '3' }),
      toolCall('edit', { filePath: '/w/a' }, { toolCallId: '4' }),
      toolResult(true, 'ok', { toolCallId: '4' }),
    ];
    expect(activityOf(events).filesChanged).toEqual([
      { path: '/w/a', operation: 'add', added: 12, removed: 1 },
      { path: '/w/b' },
    ]);
  });

  test('is what it spent: steps add up, each message once, and what it says of the whole counts more', () => {
    const step = (messageId: string | undefined, inputTokens: number): AgentEvent => ({
      type: 'usage',
      of: 'step',
      ...(messageId !== undefined && { messageId }),
      inputTokens,
    });
    const steps = [step('m1', 10), step('m1', 10), step('m2', 5), step(undefined, 1), step(undefined, 1)];
    expect(activityOf(steps).usage).toEqual({ inputTokens: 17 });
    const whole: AgentEvent = { type: 'usage', of: 'run', inputTokens: 20, costUsd: 0.5 };
    expect(activityOf([...steps, whole]).usage).toEqual({ inputTokens: 20, costUsd: 0.5 });
  });

  test('is nothing for a run that has done nothing', () => {
    expect(activityOf([])).toEqual({ lastSteps: [], toolCalls: 0, filesChanged: [] });
  });
});

describe('a transcript as text', () => {
  test('has what the agent says as it is, and one line for everything else', () => {
    const events = out(
      { type: 'status', message: 'session started, m1' },
      { type: 'thinking', text: 'Let me\nsee.' },
      said('# Hello\n\nI look.'),
      toolCall('Bash', { command: 'ls' }, { toolCallId: '1' }),
      toolResult(true, 'a.md\nb.md\n', { toolCallId: '1' }),
      { type: 'file_change', path: 'a.md', operation: 'update', added: 2, removed: 1, patch: '@@' },
      { type: 'limit', message: 'rate_limit (HTTP 429)', attempt: 1, maxAttempts: 3, retryAfterMs: 550 },
      { type: 'error', message: 'it broke', transient: true },
      piece('All '),
      piece('done.'),
      { type: 'usage', of: 'step', inputTokens: 1 },
      { type: 'usage', of: 'run', inputTokens: 1_200, outputTokens: 34, cachedInputTokens: 1_000, costUsd: 0.01234 },
    );
    expect(readable(events).split('\n')).toEqual([
      '[status] session started, m1',
      '[thinking] Let me see.',
      '# Hello',
      '',
      'I look.',
      '[tool] Bash: ls',
      '[ok] a.md (10 B)',
      '[file] a.md +2 -1',
      '[limit] rate_limit (HTTP 429), attempt 1 of 3, again in 0.6 s',
      '[warning] it broke',
      'All done.',
      '[usage] 1200 tokens in (1000 cached), 34 out, $0.0123',
      '',
    ]);
  });

  test('says once what is said twice in a row, and has lines on stderr together', () => {
    const error: AgentEvent = { type: 'error', message: 'refused' };
    const events = [
      ...out(error, error),
      ...on('stderr', raw('a warning'), raw('at x'), raw('at y')),
      ...out(said('on')),
    ];
    expect(readable(events)).toBe('[error] refused\n[stderr] a warning (and 2 more lines)\non');
  });

  test('has no control characters, whatever the program printed, and little of what is not understood', () => {
    const events = out(
      said('a\x1b]52;c;aGk=\x07b\x1b[31mc'),
      toolCall('\x1b[2J', { command: 'x\x07y' }),
      raw(`{\x1b[1m${'z'.repeat(5_000)}`),
      { type: 'file_change', path: '/w/\x1b[0m\x07' },
    );
    const text = readable(events);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
    expect(text.length).toBeLessThan(700);
    expect(text).toContain('(4.9 KiB)');
  });
});
