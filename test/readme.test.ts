import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { deadLinks, pages } from '../scripts/links.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

describe('the pages for people', () => {
  it('have a reference that is what the code has', async () => {
    const { stdout } = await run(process.execPath, ['scripts/reference.mjs', '--check'], { cwd: root });
    expect(stdout).toContain('up to date');
  });

  it.each(pages)('%s leads only to files and headings that are there', (page) => {
    expect(deadLinks(page)).toEqual([]);
  });

  it('name only files that are there', () => {
    // Sources may be named from src/ or from one of its rooms, with or without .ts.
    const rooms = readdirSync(join(root, 'src'));
    const name = new RegExp(`\`((?:test|bench|scripts|src|${rooms.join('|')})/[\\w./-]+)\``, 'g');
    const named = pages
      .filter((page) => page !== 'CHANGELOG.md')
      .flatMap((page) =>
        [...readFileSync(join(root, page), 'utf8').matchAll(name)].map((match) => ({ page, file: match[1] ?? '' })),
      );
    expect(named.length).toBeGreaterThan(100);
    const places = ['', 'src', 'src/shared', 'src/worker'].map((folder) => join(root, folder));
    const isThere = (file: string) =>
      places.some((place) => existsSync(join(place, file)) || existsSync(join(place, `${file}.ts`)));
    expect(named.filter(({ file }) => !isThere(file))).toEqual([]);
  });

  it('of security shows each attack by a test of the ordinary suites', () => {
    const page = readFileSync(join(root, 'docs/security.md'), 'utf8');
    const rows = page
      .slice(page.indexOf('## Attacks'))
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (Attack|---|\*\*)/.test(line));
    expect(rows.length).toBeGreaterThan(50);
    const isThere = ([, file = '', title = '']: RegExpExecArray) =>
      /^test\/(unit|integration|e2e|load|outages)\//.test(file) &&
      readFileSync(join(root, file), 'utf8').includes(title);
    const shownBy = (row: string) => [...row.matchAll(/`(test\/[^`]+)`: “([^”]+)”/g)];
    expect(rows.filter((row) => shownBy(row).length === 0 || !shownBy(row).every(isThere))).toEqual([]);
  });

  it('of troubleshooting quote only what is really said, each message of the code', () => {
    const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
    const quoted = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, message = '']) => message);
    expect(quoted.length).toBeGreaterThan(35);
    const code = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(root, 'src', name), 'utf8'));
    // What stands between two things that differ is in one string of the code, and all of them are in one file.
    const parts = (message: string) =>
      message
        .split('…')
        .map((part) => part.trim())
        .filter((part) => part.length > 2);
    const isSaid = (message: string) => code.some((text) => parts(message).every((part) => text.includes(part)));
    expect(quoted.filter((message) => parts(message).length === 0 || !isSaid(message))).toEqual([]);
  });

  it('of operations explain every alert that there is, and no other', () => {
    const names = (file: string, pattern: RegExp) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map(([, name]) => name).sort();
    expect(names('docs/operations.md', /^\| `(Agentpool\w+)` \|/gm)).toEqual(
      names('deploy/prometheus/alerts.yml', /alert: (\w+)/g),
    );
  });
});
