// Says which links of the pages lead nowhere: to a file that is not there, or to a heading that it does not have. Local
// links and anchors only; nothing is asked over the network. Part of `npm run check`; a test asks for each page alone.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The pages that people read, as paths from the root. */
export const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

const withoutCode = (text) =>
  text.replaceAll(/```.*?```/gs, '').replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll('](', ''));

/** The anchors of a page, as GitHub makes them: of the second heading of a name it is `name-1`. */
function anchorsOf(text) {
  const seen = new Map();
  return [...text.replaceAll(/```.*?```/gs, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const anchor = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** The links of a page, from the root, that lead nowhere. */
export function deadLinks(page) {
  const text = withoutCode(readFileSync(join(root, page), 'utf8'));
  const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, link]) => link);
  return links.filter((link) => {
    const [path, heading] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(root, target))) return true;
    return heading !== undefined && !anchorsOf(readFileSync(join(root, target), 'utf8')).includes(heading);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dead = pages.flatMap((page) => deadLinks(page).map((link) => `${page}: ${link} leads nowhere`));
  for (const line of dead) console.error(line);
  if (dead.length > 0) process.exit(1);
  console.log(`links of ${pages.length} pages lead somewhere`);
}
