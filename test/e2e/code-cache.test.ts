import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeDirectory } from '../support/remove-directory.js';

const SOURCE = 'globalThis.theAnswer = function answer() { return 6 * 7; }';
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ap-code-'));
  writeFileSync(join(directory, 'a.cjs'), SOURCE);
});
afterEach(() => removeDirectory(directory));

const folder = () => join(directory, 'code-cache');
const files = () => readdirSync(folder());
const onlyFile = () => join(folder(), files()[0] ?? '');

/** A process each, since V8 remembers what it has compiled before. */
const START = `
  import { Script } from 'node:vm';
  import { openCodeCache } from ${JSON.stringify(new URL('../../dist/cli/code-cache.js', import.meta.url).href)};
  const [directory, command, name, source, umask] = process.argv.slice(1);
  process.umask(Number(umask));
  const cache = openCodeCache(directory, command);
  const script = cache.compiled(name, (cachedData) => new Script(source, cachedData ? { cachedData } : {}));
  script.runInThisContext();
  cache.keep();
  console.log(script.cachedDataRejected === undefined ? 'compiled' : script.cachedDataRejected ? 'refused' : 'kept');
`;

/** A start of a command: whether V8 compiled the script, took what was kept of it, or refused that. */
function start(command = 'runs', name = './a.cjs', umask = 0o22): string {
  const given = [directory, command, name, SOURCE, String(umask)];
  return execFileSync(process.execPath, ['--input-type=module', '-e', START, '--', ...given], {
    encoding: 'utf8',
  }).trim();
}

it('keeps what one start has compiled for the next of the same command', () => {
  expect([start(), start(), start('wait')]).toEqual(['compiled', 'kept', 'compiled']);
  expect(files().map((name) => name.split('.')[0])).toEqual(['runs', 'wait']);
});

it('writes once, and again when a start has compiled more, which is added', () => {
  start();
  const first = statSync(onlyFile());
  start();
  expect(statSync(onlyFile()).ino).toBe(first.ino);
  writeFileSync(join(directory, 'b.cjs'), SOURCE);
  start('runs', './b.cjs');
  expect(statSync(onlyFile()).ino).not.toBe(first.ino);
  expect([start(), start('runs', './b.cjs')]).toEqual(['kept', 'kept']);
});

it('forgets scripts that are gone', () => {
  writeFileSync(join(directory, 'b.cjs'), SOURCE);
  start('runs', './gone.cjs');
  expect(readFileSync(onlyFile(), 'latin1')).not.toContain('gone.cjs');
});

it('may be written by its owner alone, whatever the umask is', () => {
  start('runs', './a.cjs', 0);
  expect([statSync(folder()).mode & 0o777, statSync(onlyFile()).mode & 0o777]).toEqual([0o755, 0o644]);
});

it.each([
  ['empty', () => truncateSync(onlyFile())],
  ['cut off in its index', () => truncateSync(onlyFile(), 10)],
  ['cut off in its code', () => truncateSync(onlyFile(), statSync(onlyFile()).size - 40)],
  ['zeros', () => writeFileSync(onlyFile(), Buffer.alloc(4_096))],
  ['something else', () => writeFileSync(onlyFile(), Buffer.alloc(4_096, 'no index '))],
])('does without a file that is %s', (_, spoil) => {
  start();
  spoil();
  expect(start()).toBe('compiled');
  expect(start()).toBe('kept');
});

it('keeps nothing where it may not write, nor for what is no name of a command', () => {
  writeFileSync(folder(), 'a file in the place of the directory');
  expect([start(), start()]).toEqual(['compiled', 'compiled']);
  expect(readFileSync(folder(), 'utf8')).toBe('a file in the place of the directory');
});

it.each(['../../runs', 'a/b', 'x'.repeat(21)])('keeps nothing for %s, which is the name of no command', (command) => {
  start(command);
  expect(readdirSync(directory)).toEqual(['a.cjs']);
});

it('keeps three files of a command at most', () => {
  for (const other of ['1', '2', '3']) {
    start();
    writeFileSync(join(folder(), `runs.${other}`), '');
  }
  writeFileSync(join(directory, 'b.cjs'), SOURCE);
  start('runs', './b.cjs');
  expect(files()).toHaveLength(3);
  expect(start('runs', './b.cjs')).toBe('kept');
});
