import { describe, expect, test } from 'vitest';
import { RUNNERS } from '../../../../src/shared/runners/list.js';
import type { Output } from '../../../../src/shared/runners/runner.js';
import type { AgentEvent } from '../../../../src/shared/transcript/event.js';
import { createTranscript, eventsOf, type Piece } from '../../../../src/shared/transcript/transcript.js';

const printed = (stream: Piece['stream'], text: string, offset = 0, at = 0): Piece => ({
  stream,
  offset,
  at,
  bytes: Buffer.from(text),
});

function eventsFor(output: Output, ...pieces: readonly Piece[]) {
  const transcript = createTranscript(output);
  return eventsOf([...pieces.flatMap((piece) => transcript.take(piece)), ...transcript.finish()]);
}

const outputOf = (name: string) => RUNNERS.find((runner) => runner.name === name)?.output as Output;
/** What one message of a runner tells. */
const told = (name: string, message: object): AgentEvent[] =>
  eventsFor(outputOf(name), printed('stdout', `${JSON.stringify(message)}\n`)).map(
    ({ stream: _stream, offset: _offset, end: _end, at: _at, ...event }) => event,
  );

describe('a transcript', () => {
  const stumbling: Output = {
    format: 'json-lines',
    read: () => undefined,
    events: (message) => {
      if ((message as { trip?: true }).trip) throw new Error('it stumbles');
      return (message as { events?: AgentEvent[] }).events;
    },
  };

  test('has what is not understood as it is, whatever the runner does with it', () => {
    const lines = ['{"trip":true}', '{"other":1}', 'words', '{"events":[{"type":"text","text":"said"}]}', ''];
    expect(eventsFor(stumbling, printed('stdout', lines.join('\n')))).toMatchObject([
      { type: 'raw', text: '{"trip":true}' },
      { type: 'raw', text: '{"other":1}' },
      { type: 'raw', text: 'words' },
      { type: 'text', text: 'said' },
    ]);
  });

  test.each(RUNNERS.map(({ name }) => [name]))('of %s is told whatever is nested, however deep', (name) => {
    const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const call = { type: 'tool_use', id: 't', name: 'Bash', input: { a: 'NESTED' } };
    const lines = [{ type: 'assistant', message: { content: [call] } }, { other: 'NESTED' }, { type: 'said' }]
      .map((line) => JSON.stringify(line).replace('"NESTED"', nested))
      .join('\n');
    const said = eventsFor(outputOf(name), printed('stdout', lines));
    expect(JSON.stringify(said).length).toBeGreaterThan(2 * nested.length);
  });

  test('of a runner that tells no events is its output', () => {
    expect(eventsFor({ format: 'json-lines', read: () => undefined }, printed('stdout', '{"a":1}\n'))).toMatchObject([
      { type: 'raw', text: '{"a":1}' },
    ]);
    expect(eventsFor({ format: 'text' }, printed('stdout', 'one\n\x1b[31mtwo\x1b[0m'))).toMatchObject([
      { type: 'text', text: 'one\n', delta: true },
      { type: 'text', text: 'two\n', delta: true },
    ]);
  });

  test('says where and when each event was printed, on either stream', () => {
    const pieces = [
      printed('stdout', '{"events":[{"type":"text",', 0, 100),
      printed('stderr', 'a warning\n', 0, 150),
      printed('stdout', '"text":"one"}]}\n', 26, 200),
      printed('stdout', '{"events":[{"type":"text","text":"two"},{"type":"text","text":"three"}]}', 42, 300),
    ];
    expect(eventsFor(stumbling, ...pieces)).toEqual([
      { type: 'raw', text: 'a warning', stream: 'stderr', offset: 0, end: 10, at: 150 },
      { type: 'text', text: 'one', stream: 'stdout', offset: 0, end: 42, at: 100 },
      { type: 'text', text: 'two', stream: 'stdout', offset: 42, end: 114, at: 300 },
      { type: 'text', text: 'three', stream: 'stdout', offset: 42, end: 114, at: 300 },
    ]);
  });

  test('keeps apart what lies on both sides of bytes that are gone', () => {
    const pieces = [printed('stdout', '{"a":', 0), printed('stdout', '1}\n{"b":2}\n', 1_000)];
    expect(eventsFor(stumbling, ...pieces)).toMatchObject([
      { type: 'raw', text: '{"a":', offset: 0, end: 5 },
      { type: 'raw', text: '1}', offset: 1_000 },
      { type: 'raw', text: '{"b":2}', offset: 1_003, end: 1_011 },
    ]);
  });
});

describe('a file that was changed', () => {
  const hunk = { oldStart: 1, oldLines: 2, newStart: 1, newLines: 3, lines: [' one', '-two', '+zwei', '+drei'] };
  const patch = '@@ -1,2 +1,3 @@\n one\n-two\n+zwei\n+drei';

  test('by claude is told with its patch', () => {
    const content = [{ type: 'tool_result', tool_use_id: 't1', content: 'updated' }];
    const told1 = (tool_use_result: object) => told('claude', { type: 'user', message: { content }, tool_use_result });
    expect(told1({ filePath: '/w/a.md', structuredPatch: [hunk] })).toEqual([
      { type: 'tool_result', ok: true, summary: 'updated', output: 'updated', bytes: 7, toolCallId: 't1' },
      { type: 'file_change', path: '/w/a.md', operation: 'update', added: 2, removed: 1, patch },
    ]);
    expect(told1({ type: 'create', filePath: '/w/b', content: 'x\ny\n', structuredPatch: [] })[1]).toEqual({
      type: 'file_change',
      path: '/w/b',
      operation: 'add',
      added: 2,
      removed: 0,
      patch: '@@ -0,0 +1,2 @@\n+x\n+y',
    });
  });

  test('by codex is told without its patch, which codex does not tell', () => {
    const item = { id: 'i1', type: 'file_change', status: 'completed', changes: [{ path: '/w/a', kind: 'add' }] };
    expect(told('codex', { type: 'item.completed', item })).toEqual([
      { type: 'tool_result', ok: true, summary: 'completed', output: 'completed', bytes: 9, toolCallId: 'i1' },
      { type: 'file_change', path: '/w/a', operation: 'add' },
    ]);
    expect(told('codex', { type: 'item.completed', item: { ...item, status: 'failed' } })).toMatchObject([
      { type: 'tool_result', ok: false },
    ]);
  });

  test('by opencode is told with its patch, without the header of it', () => {
    const diff = `Index: /w/a.md\n===================================================================\n--- /w/a.md\n+++ /w/a.md\n${patch}\n`;
    const state = {
      status: 'completed',
      input: { filePath: '/w/a.md' },
      output: 'ok',
      metadata: { diff, filediff: { file: '/w/a.md' } },
    };
    expect(told('opencode', { type: 'tool_use', part: { tool: 'edit', callID: 'c1', state } })[2]).toEqual({
      type: 'file_change',
      path: '/w/a.md',
      operation: 'update',
      added: 2,
      removed: 1,
      patch,
    });
  });

  test('by copilot is told by the diff that it shows', () => {
    const detailedContent = `diff --git a/w/a.md b/w/a.md\nindex 1..2 100644\n--- a/w/a.md\n+++ b/w/a.md\n${patch}\n`;
    const data = { toolCallId: 'c1', success: true, result: { content: 'done', detailedContent } };
    expect(told('copilot', { type: 'tool.execution_complete', data })).toMatchObject([
      { type: 'tool_result', ok: true, summary: 'done', toolCallId: 'c1' },
      { type: 'file_change', path: 'w/a.md', added: 2, removed: 1, patch },
    ]);
  });
});

test('a sub-agent is told under the call that started it', () => {
  const message = { content: [{ type: 'tool_use', id: 't2', name: 'Read', input: { file_path: '/w/a' } }] };
  expect(told('claude', { type: 'assistant', parent_tool_use_id: 't1', message })).toEqual([
    {
      type: 'tool_call',
      name: 'Read',
      kind: 'read',
      summary: '/w/a',
      input: { file_path: '/w/a' },
      toolCallId: 't2',
      parentToolCallId: 't1',
    },
  ]);
});

test('a limit of the provider is told with when it ends', () => {
  const rate_limit_info = { status: 'rejected', resetsAt: 1_795_424_000, rateLimitType: 'five_hour' };
  expect(told('claude', { type: 'rate_limit_event', rate_limit_info })).toEqual([
    { type: 'limit', message: 'rejected: five_hour', resetsAt: 1_795_424_000_000 },
  ]);
  expect(told('claude', { type: 'rate_limit_event', rate_limit_info: { status: 'allowed' } })).toEqual([]);
});
