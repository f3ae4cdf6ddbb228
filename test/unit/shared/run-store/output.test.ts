import { describe, expect, test } from 'vitest';
import {
  BEGINNING,
  cursorOf,
  entryFromFields,
  isCursorOf,
  linesIn,
  parseCursor,
  positionAfter,
} from '../../../../src/shared/run-store/output.js';
import { seeded } from '../../../support/random.js';

const RUN = 'r0123456789abcdefghj';

describe('a cursor', () => {
  test.each([RUN, 'overmind:/a/b', 'overmind:/a/c', '7'])('names its run, here %s', (runId) => {
    const read = parseCursor(cursorOf(BEGINNING, runId));
    const others = ['r0123456689abcdefghj', RUN, 'overmind:/a/b', 'overmind:/a/c', '7'].filter((id) => id !== runId);
    expect([runId, ...others].map((id) => read && isCursorOf(read, id))).toEqual([true, ...others.map(() => false)]);
  });

  test('of the release before names none, and is good for any', () => {
    const read = parseCursor('5-0_7_-1');
    expect(read).toEqual({ position: { entry: '5-0', out: 7, err: -1 } });
    expect(read && isCursorOf(read, RUN)).toBe(true);
  });

  test('comes back as the position that it was made of', () => {
    const random = seeded(36);
    for (let round = 0; round < 500; round += 1) {
      const entry = `${random.whole(0, 9_999_999_999_999)}-${random.whole(0, 99_999)}`;
      const position = { entry, out: random.whole(-1, 2 ** 48), err: random.whole(-1, 2 ** 48) };
      expect(parseCursor(cursorOf(position, RUN))).toEqual({ position, run: RUN.slice(0, 9) });
    }
    for (const position of [BEGINNING, positionAfter(0), positionAfter(9_999_999_999_999)])
      expect(parseCursor(cursorOf(position, RUN))).toEqual({ position, run: RUN.slice(0, 9) });
  });

  test.each([
    '',
    ' ',
    '0',
    '0-0',
    '0-0_0',
    '0-0_0_0_0',
    '0-0_-2_0',
    '0-0_0_-0',
    '0-0_1.5_0',
    '0-0_1e3_0',
    '0-0_0_0\n',
    ' 0-0_0_0',
    '-1-0_0_0',
    '+-+_0_0',
    '$_0_0',
    '(1-0_0_0',
    '99999999999999999-0_0_0',
    '0-0_9999999999999999_0',
    '٣-0_0_0',
    '0-0_0_0; FLUSHALL',
    'null',
    'x'.repeat(100_000),
  ])('that is none of ours, %j, is not understood', (cursor) => {
    expect(parseCursor(cursor)).toBeUndefined();
  });

  test('may be anything without a failure', () => {
    const random = seeded(37);
    for (let round = 0; round < 1_000; round += 1) {
      const text = Array.from({ length: random.whole(0, 12) }, () => random.pick([...'0123456789-_.x'])).join('');
      const read = parseCursor(text);
      if (read) expect(parseCursor(cursorOf(read.position, RUN))).toEqual({ ...read, run: RUN.slice(0, 9) });
    }
  });
});

test.each([
  [0, '1-0'],
  [1_000, '1001-0'],
  [1_000.9, '1001-0'],
])('output that came strictly after %d begins at the entry %s', (time, entry) => {
  expect(positionAfter(time)).toEqual({ entry, out: -1, err: -1 });
});

describe('an entry of the stream', () => {
  const fields = (...texts: string[]) => texts.map((text) => Buffer.from(text));

  test('of output has its kind, its offset and its bytes', () => {
    expect(entryFromFields(Buffer.from('5-1'), fields('k', 'err', 'o', '42', 'd', 'words'))).toEqual({
      id: '5-1',
      kind: 'err',
      offset: 42,
      bytes: Buffer.from('words'),
    });
  });

  test('of any other kind is a change of state', () => {
    const bytes = Buffer.from('{"state":"done"}');
    expect(entryFromFields(Buffer.from('5-1'), [...fields('k', 'state', 'd'), bytes])).toMatchObject({
      kind: 'state',
      bytes,
    });
    expect(entryFromFields(Buffer.from('5-1'), [])).toMatchObject({ kind: 'state', bytes: Buffer.alloc(0) });
  });
});

test.each([
  ['', 0],
  ['no end', 0],
  ['one\n', 1],
  ['one\ntwo', 1],
  ['\n\n\n', 3],
  ['größe\r\nnext\n', 2],
  ['x'.repeat(1_000), 0],
  [`${'x'.repeat(64)}\n${'x'.repeat(63)}\n${'x'.repeat(200)}\n\nend`, 4],
])('%j has %i lines that have ended', (text, count) => {
  expect(linesIn(Buffer.from(text))).toBe(count);
});
