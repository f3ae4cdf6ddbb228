import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { MAIN } from './support/processes.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const run = promisify(execFile);

/** Runs a script of ours with Node; answers what it prints, and throws when it fails. */
async function node(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, args, { cwd: root });
  return stdout;
}

describe('the README', () => {
  it('has the tables of tools, runners and settings that the code has', async () => {
    await expect(node('scripts/readme-tables.mjs', '--check')).resolves.toContain('up to date');
  });

  it('lists every subcommand, and none that is not there', async () => {
    const help = await node(MAIN, '--help');
    const there = [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1]);
    const listed = [...readme.matchAll(/^\| `agentpool ([a-z]+)/gm)].map((match) => match[1]);
    expect(listed.sort()).toEqual(there.filter((name) => name !== 'help').sort());
  });

  it('leads only to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !exists(link))).toEqual([]);
  });
});

function exists(link: string): boolean {
  try {
    readFileSync(`${root}${link}`);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR';
  }
}
