import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DirectoryMoved, holdDirectory } from '../../../../src/worker/prepare/held-directory.js';
import { removeDirectory } from '../../../support/remove-directory.js';

let root: string;
const at = (...parts: string[]) => join(root, ...parts);
/** Puts a link to a place outside where the directory was. */
const swap = () => {
  renameSync(at('in', 'project'), at('in', 'away'));
  symlinkSync(at('out'), at('in', 'project'));
};
const directoryOf = (cwd: string) => execFileSync('/bin/pwd', ['-P'], { cwd, encoding: 'utf8' }).trim();
const openFiles = () => readdirSync('/proc/self/fd').length;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ap-held-')));
  for (const directory of ['in/project', 'out']) mkdirSync(at(directory), { recursive: true });
});
afterEach(() => removeDirectory(root));

describe('a directory that is held', () => {
  test('is where a program is started', () => {
    const held = holdDirectory(at('in', 'project'));
    expect(directoryOf(held.cwd)).toBe(at('in', 'project'));
    held.close();
  });

  test.runIf(process.platform === 'linux')('is so still when a link has come in its place', () => {
    const held = holdDirectory(at('in', 'project'));
    swap();
    expect(directoryOf(held.cwd)).toBe(at('in', 'away'));
    held.close();
  });

  test.each([
    ['a link', swap],
    ['nothing', () => rmSync(at('in', 'project'), { recursive: true })],
    [
      'a file',
      () => {
        rmSync(at('in', 'project'), { recursive: true });
        writeFileSync(at('in', 'project'), '');
      },
    ],
  ])('is refused when there is %s by then, and nothing stays open', (_, change) => {
    change();
    const before = openFiles();
    expect(() => holdDirectory(at('in', 'project'))).toThrow(DirectoryMoved);
    expect(openFiles()).toBe(before);
  });

  test('is refused when a directory above it is a link by then', () => {
    renameSync(at('in'), at('elsewhere'));
    symlinkSync(at('elsewhere'), at('in'));
    expect(() => holdDirectory(at('in', 'project'))).toThrow(DirectoryMoved);
  });
});
