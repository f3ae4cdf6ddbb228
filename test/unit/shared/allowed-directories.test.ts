import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, symlinkSync, utimesSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import {
  allowDirectory,
  allowedDirectories,
  allowLine,
  disallowDirectory,
  isOpened,
  openDirectory,
} from '../../../src/shared/allowed-directories.js';
import { defaultHome } from '../../../src/shared/config/sources.js';
import { removeDirectory } from '../../support/remove-directory.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'ap-dirs-')));
const project = join(root, 'project');
mkdirSync(join(project, 'sub'), { recursive: true });
symlinkSync(project, join(root, 'link'));
afterAll(() => removeDirectory(root));
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'));
});

describe('the directories of a host', () => {
  test('are those that were allowed, in that order, until they are taken back', () => {
    expect(allowedDirectories(home)).toEqual([]);
    expect([allowDirectory(home, '/z'), allowDirectory(home, '/a\nb'), allowDirectory(home, '/z')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(allowedDirectories(home)).toEqual(['/z', '/a\nb']);
    expect([disallowDirectory(home, '/z'), disallowDirectory(home, '/z')]).toEqual([true, false]);
    expect(allowedDirectories(home)).toEqual(['/a\nb']);
  });

  test('are opened by their real path, with what is in them', () => {
    expect(isOpened(home, project)).toBe(false);
    expect(openDirectory(home, [join(root, 'nothing'), join(root, 'link'), root])).toBe(project);
    expect([project, join(project, 'sub'), root, `${project}-2`].map((path) => isOpened(home, path))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(allowedDirectories(home)).toEqual([]);
  });

  test.each(['/', join(homedir(), '..')])('are not opened where no project can be: %s', (path) => {
    expect(openDirectory(home, [path])).toBeUndefined();
  });

  test('are forgotten when nobody has opened them for long', () => {
    openDirectory(home, [project]);
    const [name = ''] = readdirSync(join(home, 'directories'));
    const longAgo = new Date(Date.now() - 40 * 86_400_000);
    utimesSync(join(home, 'directories', name), longAgo, longAgo);
    openDirectory(home, [join(project, 'sub')]);
    expect(isOpened(home, project)).toBe(false);
    expect(isOpened(home, join(project, 'sub'))).toBe(true);
  });

  test.each(['/plain', "/it's", '/$(touch x)', '/a b; rm -rf "y"', '/`id`', '/é'])(
    'are allowed by a line that names %s and does nothing else',
    (path) => {
      const line = allowLine(path, home);
      const said = execFileSync('sh', ['-c', `agentpool() { printf '%s|' "$AGENTPOOL_HOME" "$@"; }; ${line}`]);
      expect(said.toString()).toBe(`${home}|allow|${path}|`);
      expect(allowLine(path, defaultHome({}))).toMatch(/^agentpool allow /);
    },
  );
});
