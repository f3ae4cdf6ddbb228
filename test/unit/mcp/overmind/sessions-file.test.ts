import { describe, expect, it } from 'vitest';
import { deduce, type Entry, entryOf, readSessions } from '../../../../src/mcp/overmind/sessions-file.js';

const FILE_TIME = 5_000;
const read = (content: unknown) => readSessions(JSON.stringify(content), FILE_TIME);

describe('sessions.json of overmind', () => {
  it('is read in all three shapes, with and without the runner in the key', () => {
    const { entries, problems } = read({
      bob: 'sess-1',
      'gemini:bob': { id: 'sess-2', ts: 7 },
      'claude:ann': {
        id: 'sess-3',
        ts: 8,
        pid: 9,
        status: 'failed',
        outputBuffer: 'out',
        exitCode: 2,
        lastOutputAt: 10,
      },
    });
    expect(problems).toEqual([]);
    expect(entries).toEqual([
      { key: 'bob', agentName: 'bob', sessionId: 'sess-1', ts: FILE_TIME, output: '' },
      { key: 'gemini:bob', runner: 'gemini', agentName: 'bob', sessionId: 'sess-2', ts: 7, output: '' },
      {
        key: 'claude:ann',
        runner: 'claude',
        agentName: 'ann',
        sessionId: 'sess-3',
        ts: 8,
        pid: 9,
        status: 'failed',
        output: 'out',
        exitCode: 2,
        lastOutputAt: 10,
      },
    ]);
  });

  it('is read although members are null, of another type or unknown, and times are ISO strings', () => {
    const { entries } = read({
      a: {
        id: null,
        ts: '1970-01-01T00:00:01Z',
        pid: 0,
        status: 'odd',
        exitCode: null,
        outputBuffer: ['x', 'y'],
        more: 1,
      },
    });
    expect(entries).toEqual([{ key: 'a', agentName: 'a', ts: 1_000, output: 'xy' }]);
  });

  it.each([17, null, [], '', {}, { id: 'x' }, { id: 'x', ts: 'soon' }])('costs one entry where it is %j', (value) => {
    const { entries, problems } = read({ good: 'sess', bad: value });
    expect(entries.map(({ key }) => key)).toEqual(['good']);
    expect(problems).toEqual([expect.stringContaining('entry "bad"')]);
  });

  it.each(['', '{', '[]', '"text"', 'null', 'root:x:0:0:root'])(
    'is refused as a whole where it is %j, without a word of it',
    (text) => {
      const { entries, problems } = readSessions(text, FILE_TIME);
      expect(entries).toEqual([]);
      expect(problems).toEqual([expect.stringMatching(/^it is not (a )?JSON( object)?$/)]);
    },
  );
});

describe('the entry of an agent', () => {
  const { entries } = read({
    bob: { id: 'any', ts: 9 },
    'claude:bob': { id: 'claude-1', ts: 5 },
    'gemini:bob': { id: 'gemini-1', ts: 7 },
  });

  it.each([
    [undefined, 'any'],
    ['claude', 'claude-1'],
    ['gemini', 'gemini-1'],
    ['kilo', 'any'],
  ])('with runner %s is %s', (runner, sessionId) => {
    expect(entryOf(entries, 'bob', runner)).toMatchObject({ sessionId });
  });

  it('is not that of another name', () => {
    expect(entryOf(entries, 'bo', undefined)).toBeUndefined();
  });
});

describe('what became of a run of overmind', () => {
  const NOW = 10_000_000;
  const HOUR = 3_600_000;
  const LIVING = 1;
  const DEAD = 2;
  it.each<[Partial<Entry>, string, boolean]>([
    [{ ts: NOW - HOUR - 1 }, 'done', false],
    [{ ts: NOW - HOUR }, 'running', true],
    [{ ts: NOW }, 'running', true],
    [{ ts: NOW, pid: LIVING, status: 'running' }, 'running', false],
    [{ ts: NOW, pid: DEAD, status: 'running' }, 'orphaned', true],
    [{ ts: NOW - 2 * HOUR, pid: LIVING }, 'running', true],
    [{ ts: NOW - 2 * HOUR, pid: DEAD }, 'done', false],
    [{ ts: NOW, pid: DEAD, status: 'done' }, 'done', false],
    [{ ts: NOW, pid: DEAD, status: 'failed' }, 'failed', false],
    [{ ts: NOW, pid: LIVING, status: 'orphaned' }, 'orphaned', true],
  ])('is, for %j, %s (uncertain: %s)', (entry, status, uncertain) => {
    const whole = { key: 'a', agentName: 'a', output: '', ts: 0, ...entry };
    expect(deduce(whole, NOW, (pid) => pid === LIVING)).toEqual({ status, uncertain });
  });
});
