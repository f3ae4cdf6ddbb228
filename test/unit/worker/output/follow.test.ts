import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { followFile } from '../../../../src/worker/output/follow.js';

const directory = mkdtempSync(join(tmpdir(), 'ap-follow-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('a file that grows is read from an offset on, each byte again until it was taken', () => {
  const path = join(directory, 'growing');
  writeFileSync(path, 'abcdef');
  const file = followFile(path, 2);
  expect(file.peek(3).toString()).toBe('cde');
  expect(file.peek(2).toString()).toBe('cd');
  file.advance(2);
  expect([file.offset, file.peek(100).toString()]).toEqual([4, 'ef']);
  file.advance(2);
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
  const file = followFile(path, 0);
  const one = file.peek(4);
  file.advance(4);
  file.peek(4);
  expect(one.toString()).toBe('one ');
  file.close();
});

test('an offset behind the end has nothing to read yet', () => {
  const path = join(directory, 'short');
  writeFileSync(path, 'a');
  const file = followFile(path, 5);
  expect(file.peek(10)).toHaveLength(0);
  file.close();
});

test('a file that somebody has removed has nothing more', () => {
  const file = followFile(join(directory, 'missing'), 0);
  expect(file.peek(1)).toHaveLength(0);
  file.close();
});
