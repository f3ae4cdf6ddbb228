import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { followFile } from '../../../../src/worker/output/follow.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const directory = mkdtempSync(join(tmpdir(), 'ap-follow-'));
afterAll(() => removeDirectory(directory));

test('a file that grows is read from an offset on, each byte again until it was taken', () => {
  const path = join(directory, 'growing');
  writeFileSync(path, 'abcdef');
  const file = followFile(path, { at: 2 });
  expect(file.peek(3).toString()).toBe('cde');
  expect(file.peek(2).toString()).toBe('cd');
  file.advance(file.peek(2));
  expect([file.offset, file.peek(100).toString()]).toEqual([4, 'ef']);
  file.advance(file.peek(2));
  expect(file.peek(100)).toHaveLength(0);
  appendFileSync(path, 'gh');
  expect(file.peek(100).toString()).toBe('gh');
  file.seek(0);
  expect(file.peek(3).toString()).toBe('abc');
  file.close();
  file.close();
});

test('what was read is not overwritten by what is read later', () => {
  const path = join(directory, 'kept');
  writeFileSync(path, 'one two ');
  const file = followFile(path, { at: 0 });
  const one = file.peek(4);
  file.advance(one);
  file.peek(4);
  expect(one.toString()).toBe('one ');
  file.close();
});

test('an offset behind the end means that the file was emptied since', () => {
  const path = join(directory, 'short');
  writeFileSync(path, 'a');
  const file = followFile(path, { at: 5 });
  expect([file.peek(10).toString(), file.offset, file.lost]).toEqual(['a', 5, 0]);
  file.close();
});

test('a file that somebody has removed has nothing more', () => {
  const file = followFile(join(directory, 'missing'), { at: 0 });
  expect(file.peek(1)).toHaveLength(0);
  file.close();
});

describe('a file that its program empties', () => {
  const takeAll = (file: ReturnType<typeof followFile>) => {
    const bytes = file.peek(1_000);
    const { lost } = file;
    const at = file.offset;
    file.advance(bytes);
    return { text: bytes.toString(), at, lost };
  };

  test('is read on from its new beginning, at the offset after what was read', () => {
    const path = join(directory, 'emptied');
    writeFileSync(path, 'one\ntwo\n');
    const rewound: number[] = [];
    const file = followFile(path, { at: 0 }, (base) => rewound.push(base));
    expect(takeAll(file)).toEqual({ text: 'one\ntwo\n', at: 0, lost: 0 });
    writeFileSync(path, 'x\n');
    expect(takeAll(file)).toEqual({ text: 'x\n', at: 8, lost: 0 });
    appendFileSync(path, 'y\n');
    expect(takeAll(file)).toEqual({ text: 'y\n', at: 10, lost: 0 });
    expect(rewound).toEqual([8]);
    file.close();
  });

  test('is known for emptied even when it is longer than before', () => {
    const path = join(directory, 'longer');
    writeFileSync(path, 'short\n');
    const file = followFile(path, { at: 0 });
    takeAll(file);
    writeFileSync(path, 'something else that is longer\n');
    expect(takeAll(file)).toEqual({ text: 'something else that is longer\n', at: 6, lost: 0 });
    file.close();
  });

  test('tells how much of what was there nobody has read', () => {
    const path = join(directory, 'lost');
    writeFileSync(path, '0123456789');
    const file = followFile(path, { at: 0 });
    file.advance(file.peek(4));
    writeFileSync(path, 'new');
    expect(takeAll(file)).toEqual({ text: 'new', at: 10, lost: 6 });
    file.close();
  });

  test('is gone on with by the next reader, who knows where it began anew', () => {
    const path = join(directory, 'next');
    writeFileSync(path, 'abcdef');
    const file = followFile(path, { at: 104, base: 100 });
    expect(takeAll(file)).toEqual({ text: 'ef', at: 104, lost: 0 });
    file.close();
    const before = followFile(path, { at: 90, base: 100 });
    expect(takeAll(before)).toEqual({ text: 'abcdef', at: 100, lost: 10 });
    before.close();
    const short = followFile(path, { at: 50 });
    expect(takeAll(short)).toEqual({ text: 'abcdef', at: 50, lost: 0 });
    short.close();
  });
});

describe('in the place of a file, nothing is read', () => {
  const outside = join(directory, 'outside');
  writeFileSync(outside, 'secret');
  test.each<[string, (path: string) => void]>([
    ['a link', (path) => symlinkSync(outside, path)],
    ['a second name of another file', (path) => linkSync(outside, path)],
    ['a directory', (path) => mkdirSync(path)],
    ['a pipe that nobody writes to', (path) => void execFileSync('mkfifo', [path])],
    ['a device', (path) => symlinkSync('/dev/zero', path)],
  ])('from %s', (name, make) => {
    const path = join(directory, `instead-${name.replaceAll(' ', '-')}`);
    make(path);
    const file = followFile(path, { at: 0 });
    expect(file.peek(10)).toHaveLength(0);
    file.close();
    rmSync(path, { recursive: true });
  });

  test('from a file in a directory that was replaced by a link', () => {
    const spool = join(directory, 'spool');
    mkdirSync(join(directory, 'elsewhere'));
    writeFileSync(join(directory, 'elsewhere', 'stdout'), 'secret');
    symlinkSync(join(directory, 'elsewhere'), spool);
    const file = followFile(join(spool, 'stdout'), { at: 0 });
    expect(file.peek(10)).toHaveLength(0);
    file.close();
  });

  test('from a file that came after ours was moved away: ours is read on', () => {
    const path = join(directory, 'moved');
    writeFileSync(path, 'ours');
    const file = followFile(path, { at: 0 });
    file.advance(file.peek(10));
    renameSync(path, `${path}-away`);
    writeFileSync(path, 'ours and not ours');
    appendFileSync(`${path}-away`, '!');
    expect(file.peek(100).toString()).toBe('!');
    file.close();
  });
});
