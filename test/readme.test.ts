import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** The pages that people read, as paths from the root. */
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** The heading of a page as it is linked to: lower case, dashes for blanks, no punctuation. */
const anchor = (heading: string) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (text: string) => [...text.matchAll(/^#+ (.*)$/gm)].map((match) => anchor(match[1] ?? ''));

/** The links of a page that lead nowhere: to a file that is not there, or a heading that it does not have. */
function deadLinks(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/```.*?```/gs, '');
  const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  return links.filter((link) => {
    const [path = '', heading] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(root, target))) return true;
    return heading !== undefined && !anchorsOf(readFileSync(join(root, target), 'utf8')).includes(heading);
  });
}

describe('the pages for people', () => {
  it('have a reference that is what the code has', async () => {
    const { stdout } = await run(process.execPath, ['scripts/reference.mjs', '--check'], { cwd: root });
    expect(stdout).toContain('up to date');
  });

  it.each(pages)('%s leads only to files and headings that are there', (page) => {
    expect(deadLinks(page)).toEqual([]);
  });

  it('name only tests and scripts that are there', () => {
    const named = pages
      .filter((page) => page !== 'CHANGELOG.md')
      .flatMap((page) =>
        [
          ...readFileSync(join(root, page), 'utf8').matchAll(/`((?:test|bench|scripts)\/[\w./-]+\.(?:ts|mjs|sh))`/g),
        ].map((match) => ({ page, file: match[1] ?? '' })),
      );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ file }) => !existsSync(join(root, file)))).toEqual([]);
  });
});
