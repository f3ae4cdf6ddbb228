import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { layOver } from '../../../../src/worker/prepare/lay-over.js';
import { removeDirectory } from '../../../support/remove-directory.js';

let home: string;
let into: string;
const SETTINGS = {
  name: 'settings.json',
  content: JSON.stringify({ general: { keep: false }, servers: { ours: 1 } }),
  over: { folder: '.program', kept: ['sessions'] },
};
const textOf = (...path: string[]) => readFileSync(join(...path), 'utf8');

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ap-home-'));
  into = join(home, 'spool');
});
afterEach(() => removeDirectory(home));

test('settings are laid over those of the user, comments and all, which stay as they are', () => {
  mkdirSync(join(home, '.program'));
  const theirs = '{ // mine\n "general": { "keep": true, "colour": "red" }, "login": "key" }';
  writeFileSync(join(home, '.program', 'settings.json'), theirs);
  layOver(home, into, SETTINGS);
  expect(JSON.parse(textOf(into, '.program', 'settings.json'))).toEqual({
    general: { keep: false, colour: 'red' },
    login: 'key',
    servers: { ours: 1 },
  });
  expect(statSync(join(into, '.program', 'settings.json')).mode & 0o777).toBe(0o600);
  expect(textOf(home, '.program', 'settings.json')).toBe(theirs);
});

test('the rest of the folder is shared, and outlives what is shown; doing it twice changes nothing', () => {
  mkdirSync(join(home, '.program'));
  writeFileSync(join(home, '.program', 'login.json'), 'a login');
  layOver(home, into, SETTINGS);
  layOver(home, into, SETTINGS);
  expect(textOf(into, '.program', 'login.json')).toBe('a login');
  writeFileSync(join(into, '.program', 'sessions', 'one'), 'a session');
  rmSync(into, { recursive: true });
  expect(textOf(home, '.program', 'sessions', 'one')).toBe('a session');
});

test('a user without such a folder gets the folders that are to stay, and no settings', () => {
  layOver(home, into, SETTINGS);
  expect(JSON.parse(textOf(into, '.program', 'settings.json'))).toEqual(JSON.parse(SETTINGS.content));
  expect(readdirSync(join(home, '.program'))).toEqual(['sessions']);
});
